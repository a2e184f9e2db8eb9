using System.Text.Json.Serialization;
using Steward.Budgets;
using Steward.Models;
using Steward.Tools;

namespace Steward.Runs;

/// <summary>A fact about a run: the payload of a <see cref="JournalEntry"/>. Wire names are in <see cref="EventWire"/> and never change.</summary>
public abstract record RunEvent;

/// <summary><c>run.started</c>: what was asked, of which agent, for whom.</summary>
public sealed record RunStarted : RunEvent
{
    /// <summary>The agent's name.</summary>
    public required string Agent { get; init; }

    /// <summary>The agent's version; the run stays on it.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>SHA-256 of the agent's definition, which is kept as a blob.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>The tenant that the run belongs to.</summary>
    public required string Tenant { get; init; }

    /// <summary>The user on whose behalf it runs, if any.</summary>
    public string? User { get; init; }

    /// <summary>The session (conversation) that it is part of, if any.</summary>
    public string? Session { get; init; }

    /// <summary>The caller's key that makes starting idempotent, if any.</summary>
    public string? Key { get; init; }

    /// <summary>The request.</summary>
    public required IReadOnlyList<ContentPart> Input { get; init; }

    /// <summary>Ceilings of this run; already the tighter of the agent's and the caller's.</summary>
    public BudgetCeilings Ceilings { get; init; } = BudgetCeilings.None;
}

/// <summary><c>run.claimed</c>: a worker took the run; whatever an earlier epoch left in flight is now of unknown outcome.</summary>
public sealed record RunClaimed(long Epoch, string Worker, int Attempt) : RunEvent;

/// <summary><c>state.changed</c>: a transition of the state machine, with its reason.</summary>
public sealed record StateChanged(RunStatus From, RunStatus To, string Reason, string? Detail = null) : RunEvent;

/// <summary><c>message.received</c>: a message that arrived while the run was going.</summary>
public sealed record MessageReceived(string Signal, IReadOnlyList<ContentPart> Input) : RunEvent;

/// <summary><c>guidance.added</c>: what the runtime told the model, in the user's place, and why.</summary>
public sealed record GuidanceAdded(Guidance Reason, string Text) : RunEvent;

/// <summary><c>model.started</c>: the intent of a model call, with what it may cost at most.</summary>
public sealed record ModelStarted : RunEvent
{
    /// <summary>The turn, from 1; attempts of one turn share it.</summary>
    public required int Turn { get; init; }

    /// <summary>The attempt at this turn, from 1; counts on over fallbacks and crashes.</summary>
    public required int Attempt { get; init; }

    /// <summary>The role it is called in.</summary>
    public required ModelRole Role { get; init; }

    /// <summary>The provider's name.</summary>
    public required string Provider { get; init; }

    /// <summary>The model asked for.</summary>
    public required string Model { get; init; }

    /// <summary>SHA-256 of the request, which is not stored: it is rebuilt from the definition and the earlier events.</summary>
    public required string RequestHash { get; init; }

    /// <summary>The version of the request builder that made the hash.</summary>
    public required int Builder { get; init; }

    /// <summary>Most output tokens, after shrinking to what the budget leaves.</summary>
    public required int MaxOutput { get; init; }

    /// <summary>The worst case, reserved in the commit of this event.</summary>
    public required BudgetAmount Reserved { get; init; }

    /// <summary>True when the model is asked to wrap up without tools because a ceiling is near.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool WrapUp { get; init; }
}

/// <summary><c>model.returned</c>: a model's answer and what it cost.</summary>
public sealed record ModelReturned : RunEvent
{
    /// <summary>The turn.</summary>
    public required int Turn { get; init; }

    /// <summary>The attempt that brought it.</summary>
    public required int Attempt { get; init; }

    /// <summary>What the model said and asked for.</summary>
    public required IReadOnlyList<ContentPart> Content { get; init; }

    /// <summary>Why it stopped: <c>stop</c>, <c>tool_calls</c>, <c>length</c>, <c>content_filter</c>, or the provider's own word.</summary>
    public string? Finish { get; init; }

    /// <summary>Tokens, as the provider reported them; null when it did not.</summary>
    public TokenUsage? Usage { get; init; }

    /// <summary>What it cost: the reported usage at the price list, or the whole reservation when no usage came.</summary>
    public required BudgetAmount Settled { get; init; }

    /// <summary>The model that answered, if the provider said so.</summary>
    public string? ServedBy { get; init; }

    /// <summary>The provider's id of the answer.</summary>
    public string? ResponseId { get; init; }

    /// <summary>Milliseconds from start to end.</summary>
    public long Ms { get; init; }
}

/// <summary><c>model.failed</c>: an attempt that brought no answer, what it cost all the same, and what comes next.</summary>
public sealed record ModelFailed : RunEvent
{
    /// <summary>The turn.</summary>
    public required int Turn { get; init; }

    /// <summary>The attempt.</summary>
    public required int Attempt { get; init; }

    /// <summary>What kind of failure.</summary>
    public required ModelFailure Failure { get; init; }

    /// <summary>What happened, for the operator.</summary>
    public required string Message { get; init; }

    /// <summary>The HTTP status, if any.</summary>
    public int? Status { get; init; }

    /// <summary>What it cost: zero when the provider refused before any work, the reported usage, or the whole reservation.</summary>
    public required BudgetAmount Settled { get; init; }

    /// <summary>True when nothing is left to try for this turn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Final { get; init; }
}

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

/// <summary><c>question.asked</c>: the run cannot go on without a person's word.</summary>
public sealed record QuestionAsked : RunEvent
{
    /// <summary>The question's id within the run, for example <c>q3.0</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What is asked.</summary>
    public required QuestionKind Kind { get; init; }

    /// <summary>The question in words, with what the person needs to decide.</summary>
    public required string Text { get; init; }

    /// <summary>The turn of the call it is about.</summary>
    public int Turn { get; init; }

    /// <summary>The place of the call it is about.</summary>
    public int Index { get; init; }

    /// <summary>SHA-256 of tool, canonical arguments and definition: an answer holds for exactly this.</summary>
    public string? Binding { get; init; }
}

/// <summary><c>question.answered</c>: a person's word.</summary>
public sealed record QuestionAnswered : RunEvent
{
    /// <summary>The signal that brought it.</summary>
    public required string Signal { get; init; }

    /// <summary>The question's id.</summary>
    public required string Id { get; init; }

    /// <summary>The answer.</summary>
    public required Answer Answer { get; init; }

    /// <summary>Who answered.</summary>
    public required string By { get; init; }

    /// <summary>The call's result, when the answer is that it happened.</summary>
    public string? Result { get; init; }

    /// <summary>The person's reason.</summary>
    public string? Note { get; init; }
}

/// <summary><c>signal.ignored</c>: a signal that no longer applied, and why; consumed all the same, so that it is applied at most once.</summary>
public sealed record SignalIgnored(string Signal, string Reason) : RunEvent;

/// <summary><c>verdict.given</c>: what a validator found.</summary>
public sealed record VerdictGiven : RunEvent
{
    /// <summary>The round of validation, from 1.</summary>
    public required int Round { get; init; }

    /// <summary>The validator's name.</summary>
    public required string Validator { get; init; }

    /// <summary>Its verdict.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>What it looked at and found.</summary>
    public required string Evidence { get; init; }
}

/// <summary><c>budget.refused</c>: the gate refused an intent because a ceiling would break.</summary>
public sealed record BudgetRefused : RunEvent
{
    /// <summary>The scope whose ceiling it was.</summary>
    public required string Scope { get; init; }

    /// <summary>The metric.</summary>
    public required BudgetMetric Metric { get; init; }

    /// <summary>The ceiling.</summary>
    public required decimal Ceiling { get; init; }

    /// <summary>Already spent.</summary>
    public required decimal Spent { get; init; }

    /// <summary>Reserved by calls in flight.</summary>
    public required decimal Reserved { get; init; }

    /// <summary>What the intent asked for.</summary>
    public required decimal Asked { get; init; }
}

/// <summary><c>budget.alert</c>: a soft threshold was crossed.</summary>
public sealed record BudgetAlerted(string Scope, BudgetMetric Metric, decimal Threshold, decimal Used, decimal Ceiling) : RunEvent;

/// <summary><c>cancel.requested</c>: somebody wants the run to stop.</summary>
public sealed record CancelRequested(string Signal, string By, string? Reason) : RunEvent;

/// <summary><c>run.completed</c>: the end with success; which validators proved it.</summary>
public sealed record RunCompleted(string Output, IReadOnlyList<string> ProvedBy) : RunEvent;

/// <summary><c>run.failed</c>: the end without success.</summary>
/// <param name="Code">A short, stable reason such as <c>budget_exhausted</c>; see the docs for all of them.</param>
/// <param name="Message">What happened, and the remedy.</param>
/// <param name="Partial">What there was of an answer.</param>
public sealed record RunFailed(string Code, string Message, string? Partial) : RunEvent;

/// <summary><c>run.cancelled</c>: the end by request.</summary>
public sealed record RunCancelled(string By, string? Reason, string? Partial) : RunEvent;

/// <summary>Tokens of a model call. <see cref="Input"/> includes the cached ones.</summary>
public sealed record TokenUsage(
    long Input,
    long Output,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long CacheRead = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long CacheWrite = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Reasoning = 0);

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

/// <summary>What a person is asked.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<QuestionKind>))]
public enum QuestionKind
{
    /// <summary>Did the effect of a call happen whose result was lost?</summary>
    [JsonStringEnumMemberName("outcome_unknown")] OutcomeUnknown,

    /// <summary>May this call be made?</summary>
    [JsonStringEnumMemberName("approval")] Approval,

    /// <summary>The run brought its worker down again and again; shall it be tried once more?</summary>
    [JsonStringEnumMemberName("quarantine")] Quarantine,
}

/// <summary>A person's answer to a <see cref="QuestionAsked"/>.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Answer>))]
public enum Answer
{
    /// <summary>The effect happened, with the given result.</summary>
    [JsonStringEnumMemberName("happened")] Happened,

    /// <summary>The effect did not happen: call it.</summary>
    [JsonStringEnumMemberName("did_not_happen")] DidNotHappen,

    /// <summary>Yes, make this call.</summary>
    [JsonStringEnumMemberName("approve")] Approve,

    /// <summary>No; the model reads the note.</summary>
    [JsonStringEnumMemberName("deny")] Deny,

    /// <summary>Try the run once more.</summary>
    [JsonStringEnumMemberName("continue")] Continue,

    /// <summary>End the run.</summary>
    [JsonStringEnumMemberName("stop")] Stop,
}

/// <summary>A validator's verdict.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
public enum Verdict
{
    /// <summary>Proved.</summary>
    [JsonStringEnumMemberName("passed")] Passed,

    /// <summary>Disproved.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>It could not be found out; never counts as passed.</summary>
    [JsonStringEnumMemberName("inconclusive")] Inconclusive,
}
