using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>Says which event a signal becomes. Pure.</summary>
internal static class Inbox
{
    public static RunEvent Translate(RunState state, Signal signal)
    {
        RunEvent translated = EventOf(state, signal);
        return signal.Body.Trace is { } trace ? translated with { Trace = trace } : translated;
    }

    private static RunEvent EventOf(RunState state, Signal signal) => signal.Body switch
    {
        MessageSignal message => Message(signal.Id, message),
        CancelSignal cancel => new CancelRequested(signal.Id, cancel.By, cancel.Reason),
        AnswerSignal answer => Answer(state, signal.Id, answer),
        ReassignSignal reassign => Reassign(state, signal.Id, reassign),
        ChildSignal child => Child(state, signal.Id, child),
        NamedSignal named => new SignalReceived(signal.Id, named.Name, named.Payload),
        MigrateSignal migrate => new RunMigrated(
            signal.Id,
            state.Started.AgentVersion,
            state.Started.DefinitionHash,
            migrate.AgentVersion,
            migrate.DefinitionHash,
            migrate.By,
            migrate.Note),
        _ => new SignalIgnored(signal.Id, $"This version does not know the signal '{signal.Body.GetType().Name}'."),
    };

    /// <summary>What came in before its door was closed must not become an event that no fold takes.</summary>
    private static RunEvent Message(string id, MessageSignal message)
    {
        try
        {
            InputRules.CheckInput("input", message.Input);
            return new MessageReceived(id, message.Input);
        }
        catch (InvalidInputException e)
        {
            return new SignalIgnored(id, $"The message cannot be represented: {e.Message}");
        }
    }

    private static RunEvent Answer(RunState state, string id, AnswerSignal answer)
    {
        if (state.FindQuestion(answer.Question) is not { } question)
            return new SignalIgnored(id, $"The question '{answer.Question}' is not open: it was answered before, or never asked.");
        if (!QuestionRules.Fits(question.Kind, answer.Answer))
            return new SignalIgnored(id, $"'{answer.Answer}' does not answer a question of kind '{question.Kind}'.");
        return new QuestionAnswered
        {
            Signal = id,
            Id = answer.Question,
            Answer = answer.Answer,
            By = answer.By,
            Result = answer.Result,
            Note = answer.Note,
            Arguments = answer.Arguments,
            Binding = answer.Arguments is null ? null : answer.Binding,
        };
    }

    private static RunEvent Reassign(RunState state, string id, ReassignSignal reassign) => state.FindQuestion(reassign.Question) is null
        ? new SignalIgnored(id, $"The question '{reassign.Question}' is not open: it was answered before, or never asked.")
        : new QuestionReassigned(id, reassign.Question, reassign.By, reassign.Assignee, reassign.Roles, reassign.Override);

    private static RunEvent Child(RunState state, string id, ChildSignal child) => state.Children.Any(c => c.Child == child.Child)
        ? new ChildEnded
        {
            Signal = id,
            Child = child.Child,
            Status = child.Status,
            Output = child.Output,
            Reason = child.Reason,
            Spent = child.Spent,
            FailedCalls = child.FailedCalls,
        }
        : new SignalIgnored(id, $"Run {child.Child} is no open child of this run.");
}
