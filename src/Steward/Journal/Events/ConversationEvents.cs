using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>message.received</c>: a message that arrived while the run was going.</summary>
public sealed record MessageReceived(string Signal, IReadOnlyList<ContentPart> Input) : RunEvent;

/// <summary><c>guidance.added</c>: what the runtime told the model, in the user's place, and why.</summary>
public sealed record GuidanceAdded(Guidance Reason, string Text) : RunEvent;

/// <summary>Why the runtime spoke to the model in the user's place.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Guidance>))]
public enum Guidance
{
    /// <summary>The answer was empty.</summary>
    [JsonStringEnumMemberName("empty_answer")] EmptyAnswer,

    /// <summary>The answer was cut off at its maximum length.</summary>
    [JsonStringEnumMemberName("truncated")] Truncated,

    /// <summary>A validator did not pass.</summary>
    [JsonStringEnumMemberName("verdict_failed")] VerdictFailed,

    /// <summary>A ceiling is near: answer now with what there is.</summary>
    [JsonStringEnumMemberName("wrap_up")] WrapUp,

    /// <summary>A plan is wanted.</summary>
    [JsonStringEnumMemberName("plan_wanted")] PlanWanted,

    /// <summary>The plan cannot be carried out, and why.</summary>
    [JsonStringEnumMemberName("bad_plan")] BadPlan,

    /// <summary>The planner found that no plan is needed.</summary>
    [JsonStringEnumMemberName("no_plan")] NoPlan,

    /// <summary>The plan failed: say what happened and what will be different, and plan anew.</summary>
    [JsonStringEnumMemberName("reflect")] Reflect,

    /// <summary>All steps are done: give the final answer.</summary>
    [JsonStringEnumMemberName("steps_done")] StepsDone,

    /// <summary>The model announced a tool call that did not come.</summary>
    [JsonStringEnumMemberName("missing_call")] MissingCall,
}

/// <summary>A fact that a context source found: part of the conversation from then on, and the same in every replay.</summary>
public abstract record ContextEvent : RunEvent;

/// <summary><c>context.added</c>: what a context source knew, as the next requests
/// show it: quoted, as information and never as an instruction.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Turn">The turn before which it was asked; 0 when the run opened.</param>
/// <param name="Text">What the model reads.</param>
/// <param name="Detail">Why it was chosen, for people; the model does not read it.</param>
public sealed record ContextAdded(string Source, int Turn, string Text, JsonElement? Detail = null) : ContextEvent;

/// <summary><c>history.added</c>: what was said before in the same session, as the next requests show it.</summary>
/// <param name="Messages">The exchanges, oldest first.</param>
/// <param name="LeftOut">What of the session is not among them, for its size; null for nothing.</param>
public sealed record HistoryAdded(IReadOnlyList<HistoryMessage> Messages, HistoryLeftOut? LeftOut = null) : ContextEvent;

/// <summary>A message of an earlier run of the session.</summary>
/// <param name="Run">That run.</param>
/// <param name="Input">What was asked.</param>
/// <param name="Output">What it answered; null when it did not.</param>
public sealed record HistoryMessage(RunId Run, IReadOnlyList<ContentPart> Input, string? Output)
{
    /// <summary>Messages that the run received while it was going, in order; null for none.</summary>
    public IReadOnlyList<IReadOnlyList<ContentPart>>? Received { get; init; }
}

/// <summary>What a history left out, because it would have been too large.</summary>
/// <param name="Exchanges">How many earlier exchanges, at least.</param>
/// <param name="Attachments">How many attachments of exchanges that are there; a note stands in the place of each.</param>
public sealed record HistoryLeftOut(int Exchanges, int Attachments);
