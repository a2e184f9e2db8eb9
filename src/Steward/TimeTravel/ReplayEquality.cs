using System.Text.Json;
using Steward.Journal;
using Steward.Tools;

namespace Steward.TimeTravel;

/// <summary>Whether an event came out as it was recorded: but for time, worker, epoch,
/// durations, ids and amounts, which are not the loop's to choose. Pure.</summary>
internal static class ReplayEquality
{
    private const int Excerpt = 600;

    public static bool Same(RunEvent recorded, RunEvent noted) => (recorded, noted) switch
    {
        (RunClaimed, RunClaimed) or (SignalIgnored, SignalIgnored) => true,
        (ModelStarted a, ModelStarted b) => SameCall(a, b),
        (ModelReturned a, ModelReturned b) => (a.Turn, a.Attempt) == (b.Turn, b.Attempt),
        (ModelFailed a, ModelFailed b) => (a.Turn, a.Attempt, a.Failure, a.Final) == (b.Turn, b.Attempt, b.Failure, b.Final),
        (ToolStarted a, ToolStarted b) => a with { Reserved = b.Reserved } == b,
        (ToolReturned a, ToolReturned b) => (a.Turn, a.Index) == (b.Turn, b.Index),
        (ToolFailed a, ToolFailed b) => (a.Turn, a.Index) == (b.Turn, b.Index),
        (ToolRejected { Reason: ToolRejection.Budget } a, ToolRejected b) => a with { Message = b.Message } == b,
        (QuestionAsked { Kind: QuestionKind.Quarantine }, QuestionAsked { Kind: QuestionKind.Quarantine }) => true,
        (QuestionAsked a, QuestionAsked b) => Same(a, b),
        (ChildStarted a, ChildStarted b) => (a.Agent, a.Turn, a.Index, a.Step) == (b.Agent, b.Turn, b.Index, b.Step),
        (WaitStarted a, WaitStarted b) =>
            (a.Turn, a.Index, a.SignalName, a.Until is null) == (b.Turn, b.Index, b.SignalName, b.Until is null),
        (WaitEnded a, WaitEnded b) => (a.Turn, a.Index) == (b.Turn, b.Index),
        (BudgetRefused a, BudgetRefused b) => (a.Scope, a.Metric) == (b.Scope, b.Metric),
        (BudgetAlerted a, BudgetAlerted b) => (a.Scope, a.Metric) == (b.Scope, b.Metric),
        (RunFailed a, RunFailed b) => (a.Code, a.Partial) == (b.Code, b.Partial),
        _ => recorded.GetType() == noted.GetType() && SameJson(recorded, noted),
    };

    /// <summary>An event in a line.</summary>
    public static string Describe(RunEvent runEvent)
    {
        string json = ArgumentText.Write(JsonElement.Parse(EventWire.Write(runEvent)));
        return $"{EventWire.NameOf(runEvent)} {(json.Length <= Excerpt ? json : json[..(Excerpt - 1)] + "…")}";
    }

    /// <summary>The room for the answer may have been smaller than it is here: what other runs left of a ceiling is not replayed.</summary>
    private static bool SameCall(ModelStarted a, ModelStarted b) =>
        (a.Turn, a.Attempt, a.Role, a.Provider, a.Model, a.WrapUp) == (b.Turn, b.Attempt, b.Role, b.Provider, b.Model, b.WrapUp)
        && (a.Builder != b.Builder || a.RequestHash == b.RequestHash)
        && a.MaxOutput <= b.MaxOutput;

    /// <summary>Of a question about a call the words follow from tool and arguments; earlier versions spelled these otherwise.</summary>
    private static bool Same(QuestionAsked a, QuestionAsked b) =>
        SameJson(Bare(a), Bare(b)) && a.ExpiresAt is null == b.ExpiresAt is null;

    private static QuestionAsked Bare(QuestionAsked question) => question with
    {
        ExpiresAt = null,
        Text = question is { Kind: QuestionKind.Approval or QuestionKind.OutcomeUnknown, Tool: not null } ? "" : question.Text,
    };

    private static bool SameJson(RunEvent a, RunEvent b) =>
        JsonElement.DeepEquals(JsonElement.Parse(EventWire.Write(a)), JsonElement.Parse(EventWire.Write(b)));
}
