using Steward.Storage;

namespace Steward.Runs;

/// <summary>Says which event a signal becomes. Pure.</summary>
internal static class Inbox
{
    public static RunEvent Translate(RunState state, Signal signal) => signal.Body switch
    {
        MessageSignal message => new MessageReceived(signal.Id, message.Input),
        CancelSignal cancel => new CancelRequested(signal.Id, cancel.By, cancel.Reason),
        AnswerSignal answer => Answer(state, signal.Id, answer),
        _ => new SignalIgnored(signal.Id, $"This version does not know the signal '{signal.Body.GetType().Name}'."),
    };

    private static RunEvent Answer(RunState state, string id, AnswerSignal answer)
    {
        if (state.FindQuestion(answer.Question) is not { } question)
            return new SignalIgnored(id, $"The question '{answer.Question}' is not open: it was answered before, or never asked.");
        if (!Fits(question.Kind, answer.Answer))
            return new SignalIgnored(id, $"'{answer.Answer}' does not answer a question of kind '{question.Kind}'.");
        return new QuestionAnswered { Signal = id, Id = answer.Question, Answer = answer.Answer, By = answer.By, Result = answer.Result, Note = answer.Note };
    }

    /// <summary>Whether an answer is one that the kind of question takes.</summary>
    public static bool Fits(QuestionKind kind, Answer answer) => answer == Runs.Answer.Stop || kind switch
    {
        QuestionKind.OutcomeUnknown => answer is Runs.Answer.Happened or Runs.Answer.DidNotHappen,
        QuestionKind.Approval => answer is Runs.Answer.Approve or Runs.Answer.Deny,
        _ => answer is Runs.Answer.Continue,
    };
}
