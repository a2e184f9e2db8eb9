using Spectre.Console;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.State;
using Steward.Tools;

namespace Steward.Cli.Rendering;

/// <summary>An event in a line.</summary>
/// <param name="Text">What happened.</param>
/// <param name="Style">How it looks on a terminal.</param>
internal sealed record EventLine(string Text, Style Style)
{
    /// <summary>What it cost.</summary>
    public BudgetAmount? Cost { get; init; }
}

/// <summary>Puts events into words; what was said and handed over only where content is wanted.</summary>
internal static class EventLines
{
    private const int MostArguments = 400;

    public static EventLine Describe(RunState before, JournalEntry entry, bool content)
    {
        EventLine line;
        try
        {
            line = Of(before, entry, content);
        }
        catch (JournalException)
        {
            line = new(entry.Type + " (cannot be read)", Styles.Bad);
        }

        return line with { Text = Output.Below(line.Text) };
    }

    private static EventLine Of(RunState before, JournalEntry entry, bool content) => entry.Event switch
    {
        RunStarted e => new(
            $"started: {e.Agent} version {e.AgentVersion}, tenant {e.Tenant}{Part(", user ", e.User)}{Part(", session ", e.Session)}{Origin(e)}{Quoted(content, TextOf(e.Input))}",
            Styles.Bold),
        RunClaimed e => new($"claimed by {e.Worker} (epoch {e.Epoch}{(e.Attempt > 1 ? $", attempt {e.Attempt}" : "")})", Styles.Dim),
        StateChanged e => new($"{e.From.Name()} → {e.To.Name()} ({e.Reason}{Part(": ", e.Detail)})", RunSummary.StyleOf(e.To)),
        MessageReceived e => new($"a message came in{Quoted(content, TextOf(e.Input))}", Style.Plain),
        GuidanceAdded e => new($"told the model ({Wire.Word(e.Reason)}){Quoted(content, e.Text)}", Styles.Warn),
        ModelStarted e => new(
            $"asks {e.Provider}/{e.Model} (turn {e.Turn}{(e.Attempt > 1 ? $", attempt {e.Attempt}" : "")}{(e.WrapUp ? ", wrap-up" : "")}; at most {Show.Usd(e.Reserved.Usd)})",
            Styles.Dim),
        ModelReturned e => Answer(e, content),
        ModelFailed e => new(
            $"the model failed ({Wire.Word(e.Failure)}{(e.Status is { } s ? $", HTTP {s}" : "")}): {e.Message}{(e.Final ? "" : "; tries again")}",
            Styles.Warn) { Cost = e.Settled },
        ToolStarted e =>
            new($"calls {e.Name}{Arguments(before, e, content)}{(e.Attempt > 1 ? $" (attempt {e.Attempt})" : "")}", Styles.Call),
        ToolReturned e => new(
            $"{NameOf(before, e.Turn, e.Index)} returned{Quoted(content, e.Result)} in {Show.Ms(e.Ms)}{(e.Blob is null ? "" : $" ({Show.Bytes(e.Length)})")}",
            Styles.Call) { Cost = e.Settled },
        ToolFailed e =>
            new($"{NameOf(before, e.Turn, e.Index)} failed ({Wire.Word(e.Failure)}): {e.Message}", Styles.Bad) { Cost = e.Settled },
        ToolRejected e => new($"{NameOf(before, e.Turn, e.Index)} was not called ({Wire.Word(e.Reason)}): {e.Message}", Styles.Warn),
        ToolResolved e => new(
            $"{NameOf(before, e.Turn, e.Index)}: {e.By} says that the lost call {Outcome(e.Outcome)}{Quoted(content, e.Result)}",
            Styles.Warn),
        QuestionAsked e => new($"asks {e.Id}{(content ? $": {e.Text}" : "")}", Styles.Warn),
        QuestionAnswered e => new(
            $"{e.By} answered {e.Id}: {Wire.Word(e.Answer)}{Edited(content, e)}{Quoted(content, e.Result)}{Part(" – ", e.Note)}",
            Styles.Bold),
        QuestionReassigned e => new(
            $"{e.By} gave {e.Id} to {e.Assignee ?? $"anybody with {string.Join(" or ", e.Roles ?? [])}"}{(e.Override ? " (as an administrator)" : "")}",
            Styles.Warn),
        ChildStarted e => new($"{(e.Step is null ? "calls the agent" : $"step {e.Step}:")} {e.Agent} in run {e.Child}", Styles.Call),
        ChildEnded e => new(
            $"run {e.Child} is {e.Status.Name()}{Quoted(content, e.Output)}{Part(": ", e.Reason)}",
            e.Status == RunStatus.Completed ? Styles.Call : Styles.Bad),
        WaitStarted e => new(
            $"waits {(e.Until is { } until ? $"until {Show.Moment(until)}" : "")}{(e.SignalName is { } name ? $"{(e.Until is null ? "" : " or ")}for the signal '{name}'" : "")}",
            Styles.Dim),
        WaitEnded => new("the time has come", Styles.Dim),
        SignalReceived e => new($"the signal '{e.Name}' came{Quoted(content, e.Payload)}", Style.Plain),
        RunMigrated e => new($"{e.By} moved it from version {e.FromVersion} to {e.AgentVersion}{Part(" – ", e.Note)}", Styles.Bold),
        PlanMade e => new(
            $"plan {e.Round}: {Show.Count(e.Plan.Steps.Count, "step")}{(content ? $": {string.Join("; ", e.Plan.Steps.Select(s => $"{s.Id}: {s.Goal}"))}" : "")}",
            Styles.Bold),
        HistoryAdded e => new($"knows {Show.Count(e.Messages.Count, "earlier exchange")} of the session{LeftOut(e.LeftOut)}", Styles.Dim),
        SignalIgnored e => new($"a signal was ignored: {e.Reason}", Styles.Warn),
        VerdictGiven e => new(
            $"validator {e.Validator}: {Wire.Word(e.Verdict)}{(content ? $": {Output.Excerpt(e.Evidence, 400)}" : "")}",
            e.Verdict == Verdict.Passed ? Styles.Good : Styles.Bad),
        BudgetRefused e => new(
            $"the ceiling of {Show.Metric(e.Metric)} for {e.Scope} is {Show.Of(e.Metric, e.Ceiling)}: {Show.Of(e.Metric, e.Spent)} spent, {Show.Of(e.Metric, e.Reserved)} reserved, {Show.Of(e.Metric, e.Asked)} asked for and refused",
            Styles.Warn),
        BudgetAlerted e =>
            new(
                $"{e.Scope} has used {Show.Of(e.Metric, e.Used)} of its {Show.Of(e.Metric, e.Ceiling)} {Show.Metric(e.Metric)}",
                Styles.Warn),
        CancelRequested e => new($"{e.By} wants it cancelled{Part(": ", e.Reason)}", Styles.Warn),
        RunCompleted e => new($"completed{Quoted(content, e.Output)}", Styles.Good),
        RunFailed e => new($"failed ({e.Code}): {e.Message}", Styles.Bad),
        RunCancelled e => new($"cancelled by {e.By}{Part(": ", e.Reason)}", Styles.Warn),
        _ => new(entry.Type, Style.Plain),
    };

    private static string LeftOut(HistoryLeftOut? left) => left is null
        ? ""
        : $"; left out for size: {Show.Count(left.Exchanges, "exchange")}, {Show.Count(left.Attachments, "attachment")}";

    private static string Origin(RunStarted e) =>
        e.Origin is { } origin ? $", forked from {origin.Run} at {origin.Sequence}{Part(" – ", origin.Change)}" : "";

    public static string TextOf(IReadOnlyList<ContentPart> parts) => string.Join(' ', parts.Select(p => p switch
    {
        TextPart text => text.Text,
        DataPart data => $"[{data.MediaType}, {Show.Bytes(data.Data.Length)}]",
        BlobPart blob => $"[{blob.MediaType}, {Show.Bytes(blob.Length)}]",
        UriPart uri => $"[{uri.Uri}]",
        _ => "",
    }).Where(t => t.Length > 0));

    private static EventLine Answer(ModelReturned e, bool content)
    {
        string text = string.Concat(e.Content.OfType<TextPart>().Select(t => t.Text));
        int calls = e.Content.OfType<CallPart>().Count();
        string asked = calls == 0 ? "" : $", {Show.Count(calls, "call")}";
        string usage = e.Usage is { } u
            ? $", {Show.Count(u.Input)} tokens in{(u.CacheRead > 0 ? $" ({Show.Count(u.CacheRead)} cached)" : "")}, {Show.Count(u.Output)} out"
            : ", usage unknown";
        return new(
            $"the model answered{(content && text.Length > 0 ? $": {text}" : "")} ({e.Finish ?? "stop"}{asked}{usage}, {Show.Ms(e.Ms)})",
            Style.Plain) { Cost = e.Settled };
    }

    private static string NameOf(RunState before, int turn, int index) => before.FindCall(turn, index)?.Part.Name ?? "a tool";

    private static string Arguments(RunState before, ToolStarted e, bool content) =>
        content && before.FindCall(e.Turn, e.Index)?.Part.Arguments is { } arguments
            ? $" {ArgumentText.Write(arguments, MostArguments).Text}"
            : "";

    private static string Quoted(bool content, string? text) => content && text is { Length: > 0 } ? $": {Output.Excerpt(text, 300)}" : "";

    private static string Part(string before, string? text) => text is { Length: > 0 } ? before + text : "";

    private static string Edited(bool content, QuestionAnswered e) =>
        e.Arguments is not { } arguments ? "" : content ? $" with {ArgumentText.Write(arguments, MostArguments).Text}" : " with other arguments";

    private static string Outcome(EffectOutcome outcome) => outcome switch
    {
        EffectOutcome.Happened => "happened",
        EffectOutcome.DidNotHappen => "did not happen",
        _ => "cannot be told",
    };
}
