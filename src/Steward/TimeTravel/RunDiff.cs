using System.Globalization;
using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.JsonSchemas;
using Steward.State;

namespace Steward.TimeTravel;

/// <summary>In what two runs differ, in the order in which it happened.</summary>
public sealed record RunDiff
{
    /// <summary>The first run's totals.</summary>
    public required RunTotals Left { get; init; }

    /// <summary>The second run's totals.</summary>
    public required RunTotals Right { get; init; }

    /// <summary>What differs.</summary>
    public required IReadOnlyList<RunDifference> Differences { get; init; }

    /// <summary>The first difference; null when there is none.</summary>
    public RunDifference? First => Differences is [var first, ..] ? first : null;

    internal static RunDiff Of(Recording left, Recording right)
    {
        List<RunDifference> differences = [.. Alignment.Of(Moments(left), Moments(right))];
        if (left.State.Spent != right.State.Spent)
            differences.Add(new RunDifference("cost", Cost(left.State), Cost(right.State)));
        return new RunDiff { Left = RunTotals.Of(left.State), Right = RunTotals.Of(right.State), Differences = differences };
    }

    /// <summary>What of a journal is compared: what was said, done and found; not when, by which worker, or under which id.</summary>
    private static List<RunMoment> Moments(Recording recording)
    {
        List<RunMoment> moments = [];
        RunState state = RunState.Empty(recording.Run);
        foreach (JournalEntry entry in recording.Entries)
        {
            foreach ((string kind, string text) in Describe(state, entry.Event))
                moments.Add(new RunMoment(kind, entry.Sequence, text));
            state = state.Apply(entry);
        }

        return moments;
    }

    private static IEnumerable<(string Kind, string Text)> Describe(RunState before, RunEvent runEvent) => runEvent switch
    {
        RunStarted e => [("agent", $"{e.Agent} version {e.AgentVersion} ({e.DefinitionHash[..12]})"), ("input", Text(e.Input))],
        MessageReceived e => [("input", Text(e.Input))],
        RunMigrated e => [("agent", $"moved to version {e.AgentVersion} ({e.DefinitionHash[..12]})")],
        StateChanged e => [("state", $"{e.From.Name()} → {e.To.Name()} ({e.Reason})")],
        GuidanceAdded e => [("guidance", e.Text)],
        ModelReturned e => Answer(e),
        ModelFailed e => [("model_failure", $"{e.Failure}: {e.Message}")],
        ToolReturned e => [("result", $"{Name(before, e.Turn, e.Index)}: {e.Result}")],
        ToolFailed e => [("result", $"{Name(before, e.Turn, e.Index)} failed ({e.Failure}): {e.Message}")],
        ToolRejected e => [("result", $"{Name(before, e.Turn, e.Index)} was not called ({e.Reason}): {e.Message}")],
        ToolResolved e =>
            [("result", $"{Name(before, e.Turn, e.Index)}: {e.By} says {e.Outcome}{(e.Result is null ? "" : $": {e.Result}")}")],
        WaitEnded e => [("result", $"{Name(before, e.Turn, e.Index)}: {e.Result}")],
        QuestionAsked e => [("question", $"{e.Kind}: {e.Tool} {e.Id}")],
        QuestionAnswered e =>
            [("decision", $"{e.Id}: {e.Answer}{(e.Arguments is { } edited ? $" with {Json(edited)}" : "")}{(e.Result is null ? "" : $": {e.Result}")}")],
        ChildEnded e => [("result", $"agent {e.Status.Name()}: {e.Output ?? e.Reason}")],
        PlanMade e => [("plan", string.Join("; ", e.Plan.Steps.Select(s => $"{s.Id}: {s.Goal}")))],
        VerdictGiven e => [("verdict", $"{e.Validator}: {e.Verdict}: {e.Evidence}")],
        BudgetRefused e => [("budget", $"{e.Metric} refused")],
        CancelRequested e => [("cancel", $"{e.By}: {e.Reason}")],
        RunCompleted e => [("end", $"completed: {e.Output}")],
        RunFailed e => [("end", $"failed ({e.Code}): {e.Message}")],
        RunCancelled e => [("end", $"cancelled by {e.By}")],
        _ => [],
    };

    private static IEnumerable<(string, string)> Answer(ModelReturned e)
    {
        string text = string.Concat(e.Content.OfType<TextPart>().Select(t => t.Text));
        if (text.Length > 0 || !e.Content.OfType<CallPart>().Any())
            yield return ("answer", text);
        foreach (CallPart call in e.Content.OfType<CallPart>())
            yield return ("call", $"{call.Name} {(call.Arguments is { } arguments ? Json(arguments) : call.Malformed ?? "{}")}");
    }

    private static string Name(RunState before, int turn, int index) => before.FindCall(turn, index)?.Part.Name ?? $"call {turn}.{index}";

    private static string Text(IReadOnlyList<ContentPart> parts) =>
        string.Join(' ', parts.Select(p => p is TextPart text ? text.Text : $"[{p.GetType().Name}]"));

    private static string Json(JsonElement value) => Encoding.UTF8.GetString(CanonicalJson.Write(value));

    private static RunMoment Cost(RunState state) => new(
        "cost",
        state.Sequence,
        string.Create(CultureInfo.InvariantCulture,
            $"${state.Spent.Usd}, {state.Spent.Tokens} tokens, {state.Spent.ModelCalls} model calls, {state.Spent.ToolCalls} tool calls"));
}

/// <summary>How a run ended, and what it took.</summary>
public sealed record RunTotals
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Its status.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>Turns of the model, copied ones included.</summary>
    public required int Turns { get; init; }

    /// <summary>What it spent; a fork's copied beginning was paid by its origin.</summary>
    public required BudgetAmount Spent { get; init; }

    /// <summary>The run that it was forked from, if it is a fork.</summary>
    public RunOrigin? Origin { get; init; }

    internal static RunTotals Of(RunState state) =>
        new()
        {
            Run = state.Run,
            Status = state.Status,
            Reason = state.Reason,
            Turns = state.Turn,
            Spent = state.Spent,
            Origin = state.Started.Origin,
        };
}

/// <summary>One difference; one side is null when the other run has nothing at that place.</summary>
/// <param name="Kind">What it is about: <c>input</c>, <c>agent</c>, <c>state</c>, <c>answer</c>,
/// <c>call</c>, <c>result</c>, <c>verdict</c>, <c>end</c>, <c>cost</c> and so on.</param>
/// <param name="Left">What the first run has.</param>
/// <param name="Right">What the second run has.</param>
public sealed record RunDifference(string Kind, RunMoment? Left, RunMoment? Right);

/// <summary>Something that happened in a run.</summary>
/// <param name="Kind">What kind of thing.</param>
/// <param name="Sequence">Where in its journal.</param>
/// <param name="Text">What.</param>
public sealed record RunMoment(string Kind, long Sequence, string Text)
{
    internal bool Matches(RunMoment other) => Kind == other.Kind && Text == other.Text;
}
