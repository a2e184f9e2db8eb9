using Steward.Journal;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>Turns the events that signals became back into signals. Pure.</summary>
internal static class ReplaySignals
{
    /// <summary>The signal behind an event; null when none is.</summary>
    public static Signal? Of(RunId run, RunEvent runEvent) =>
        SignalOf(run, runEvent) is { } signal && runEvent.Trace is { } trace
            ? signal with { Body = signal.Body with { Trace = trace } }
            : SignalOf(run, runEvent);

    private static Signal? SignalOf(RunId run, RunEvent runEvent) => runEvent switch
    {
        MessageReceived e => new(e.Signal, run, new MessageSignal(e.Input)),
        CancelRequested e => new(e.Signal, run, new CancelSignal(e.By, e.Reason)),
        QuestionAnswered e => new(e.Signal, run, new AnswerSignal(e.Id, e.Answer, e.By, e.Result, e.Note) { Arguments = e.Arguments }),
        QuestionReassigned e => new(e.Signal, run, new ReassignSignal(e.Id, e.By, e.Assignee, e.Roles, e.Override)),
        ChildEnded e => new(e.Signal, run, new ChildSignal(e.Child, e.Status, e.Output, e.Reason, e.Spent, e.FailedCalls)),
        SignalReceived e => new(e.Signal, run, new NamedSignal(e.Name, e.Payload)),
        RunMigrated e => new(e.Signal, run, new MigrateSignal(e.AgentVersion, e.DefinitionHash, e.By, e.Note)),
        SignalIgnored e =>
            new(e.Signal, run, new AnswerSignal("", Answer.Continue, "", null, null)), // What it said is not recorded; it is ignored again.
        _ => null,
    };
}
