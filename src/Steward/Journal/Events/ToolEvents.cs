using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>tools.offered</c>: what a tool source offers to this run
/// from now on; it stands in place of what it offered before.</summary>
/// <param name="Source">The source's name.</param>
/// <param name="Hash">SHA-256 of the offer, whose content is a blob.</param>
/// <param name="Tools">The names of the offered tools.</param>
public sealed record ToolsOffered(string Source, string Hash, IReadOnlyList<string> Tools) : RunEvent;

/// <summary><c>tool.started</c>: the intent of a tool call; durable before the effect.</summary>
public sealed record ToolStarted : RunEvent
{
    /// <summary>The turn whose answer asked for it.</summary>
    public required int Turn { get; init; }

    /// <summary>Its place among the calls of that answer, from 0.</summary>
    public required int Index { get; init; }

    /// <summary>The tool's name.</summary>
    public required string Name { get; init; }

    /// <summary>The tool's effect as it was declared at that time.</summary>
    public required ToolEffect Effect { get; init; }

    /// <summary>The idempotency key: the same for every attempt at this call.</summary>
    public required string Key { get; init; }

    /// <summary>SHA-256 of the canonical arguments.</summary>
    public required string ArgumentsHash { get; init; }

    /// <summary>The attempt, from 1.</summary>
    public required int Attempt { get; init; }

    /// <summary>What it may cost at most, reserved in the commit of this event.</summary>
    public required BudgetAmount Reserved { get; init; }
}

/// <summary><c>tool.returned</c>: a tool's result, as the model sees it.</summary>
public sealed record ToolReturned : RunEvent
{
    /// <summary>The turn.</summary>
    public required int Turn { get; init; }

    /// <summary>The call's place.</summary>
    public required int Index { get; init; }

    /// <summary>What the model sees: the whole result, or a preview of it.</summary>
    public required string Result { get; init; }

    /// <summary>Images and documents that the model sees after the results of its calls; null for none.</summary>
    public IReadOnlyList<ContentPart>? Content { get; init; }

    /// <summary>SHA-256 of the whole result's blob when <see cref="Result"/> is a preview.</summary>
    public string? Blob { get; init; }

    /// <summary>Bytes of the whole result when <see cref="Result"/> is a preview.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Length { get; init; }

    /// <summary>What it cost.</summary>
    public required BudgetAmount Settled { get; init; }

    /// <summary>Milliseconds from start to end.</summary>
    public long Ms { get; init; }
}

/// <summary><c>tool.failed</c>: a started call that brought no result.</summary>
public sealed record ToolFailed : RunEvent
{
    /// <summary>The turn.</summary>
    public required int Turn { get; init; }

    /// <summary>The call's place.</summary>
    public required int Index { get; init; }

    /// <summary>How it failed; <see cref="ToolFailure.OutcomeUnknown"/> leaves the call open until its outcome is known.</summary>
    public required ToolFailure Failure { get; init; }

    /// <summary>What the model is told.</summary>
    public required string Message { get; init; }

    /// <summary>More for the operator; never shown to the model.</summary>
    public string? Detail { get; init; }

    /// <summary>What it cost.</summary>
    public required BudgetAmount Settled { get; init; }
}

/// <summary><c>tool.rejected</c>: a call that was never started, and the precise reason that the model is told.</summary>
public sealed record ToolRejected(int Turn, int Index, ToolRejection Reason, string Message) : RunEvent;

/// <summary><c>tool.resolved</c>: the outcome of a call whose result was lost, from its probe or a person.</summary>
public sealed record ToolResolved : RunEvent
{
    /// <summary>The turn.</summary>
    public required int Turn { get; init; }

    /// <summary>The call's place.</summary>
    public required int Index { get; init; }

    /// <summary>Whether the effect happened.</summary>
    public required EffectOutcome Outcome { get; init; }

    /// <summary>Who says so: <c>probe</c> or a person.</summary>
    public required string By { get; init; }

    /// <summary>The result that the model sees when it happened.</summary>
    public string? Result { get; init; }
}

/// <summary>How a started tool call failed.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ToolFailure>))]
public enum ToolFailure
{
    /// <summary>The tool said so in words meant for the model.</summary>
    [JsonStringEnumMemberName("reported")] Reported,

    /// <summary>It threw; the text stays with the operator.</summary>
    [JsonStringEnumMemberName("exception")] Exception,

    /// <summary>It did not return in time and its effect is harmless to repeat.</summary>
    [JsonStringEnumMemberName("timeout")] Timeout,

    /// <summary>It was cancelled and its effect is harmless to repeat.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,

    /// <summary>Nobody knows whether its effect happened: it is never started again without its probe or a person's word.</summary>
    [JsonStringEnumMemberName("outcome_unknown")] OutcomeUnknown,
}

/// <summary>Why a tool call was answered without being started.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<ToolRejection>))]
public enum ToolRejection
{
    /// <summary>There is no such tool.</summary>
    [JsonStringEnumMemberName("unknown_tool")] UnknownTool,

    /// <summary>The arguments are not JSON.</summary>
    [JsonStringEnumMemberName("malformed_arguments")] MalformedArguments,

    /// <summary>The arguments break the tool's schema.</summary>
    [JsonStringEnumMemberName("invalid_arguments")] InvalidArguments,

    /// <summary>Another call of the same message has the same id.</summary>
    [JsonStringEnumMemberName("duplicate_id")] DuplicateId,

    /// <summary>The same call was made before, to no other result.</summary>
    [JsonStringEnumMemberName("repeated")] Repeated,

    /// <summary>The answer was cut off, so the call may not be whole.</summary>
    [JsonStringEnumMemberName("truncated")] Truncated,

    /// <summary>More calls in one message than the agent allows.</summary>
    [JsonStringEnumMemberName("too_many")] TooMany,

    /// <summary>A ceiling leaves no room for it.</summary>
    [JsonStringEnumMemberName("budget")] Budget,

    /// <summary>A person said no.</summary>
    [JsonStringEnumMemberName("denied")] Denied,

    /// <summary>A limit of the agent: too deep, or too many children.</summary>
    [JsonStringEnumMemberName("limit")] Limit,

    /// <summary>The agent that it calls is not loaded here.</summary>
    [JsonStringEnumMemberName("agent_missing")] AgentMissing,

    /// <summary>The run is wrapping up: tools are off.</summary>
    [JsonStringEnumMemberName("wrap_up")] WrapUp,
}

/// <summary>Whether an effect whose result was lost took place.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<EffectOutcome>))]
public enum EffectOutcome
{
    /// <summary>It did: never call again.</summary>
    [JsonStringEnumMemberName("happened")] Happened,

    /// <summary>It did not: it may be called, with the same key.</summary>
    [JsonStringEnumMemberName("did_not_happen")] DidNotHappen,

    /// <summary>It cannot be told.</summary>
    [JsonStringEnumMemberName("unknown")] Unknown,
}
