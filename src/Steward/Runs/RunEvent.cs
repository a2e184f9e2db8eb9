using System.Text.Json;
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

    /// <summary>Where it came from, when another run started it.</summary>
    public RunParent? Parent { get; init; }

    /// <summary>The run that it was forked from, if it is a fork.</summary>
    public RunOrigin? Origin { get; init; }
}

/// <summary>The run that started a child.</summary>
/// <param name="Ancestors">The parent, its parent, and so on: the child's money is theirs, and so are their kill switches.</param>
/// <param name="Turn">The turn of the call that asked for it; 0 for a plan's step.</param>
/// <param name="Index">The place of that call.</param>
/// <param name="Step">The plan's step that it carries out, if it does.</param>
public sealed record RunParent(
    IReadOnlyList<RunId> Ancestors,
    int Turn,
    int Index,
    string? Step = null)
{
    /// <summary>The parent.</summary>
    [JsonIgnore]
    public RunId Run => Ancestors[0];

    /// <summary>Hashes of calls that failed in earlier attempts and are refused now.</summary>
    public IReadOnlyList<string>? Refused { get; init; }
}

/// <summary>What a fork was made from.</summary>
/// <param name="Run">The run.</param>
/// <param name="Sequence">The last sequence of that run that was looked at.</param>
/// <param name="Copied">The last sequence of this run that was copied; what follows happened here.</param>
/// <param name="Change">What was changed, in words.</param>
public sealed record RunOrigin(RunId Run, long Sequence, long Copied, string? Change = null);

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

    /// <summary>The tool that is to be called.</summary>
    public string? Tool { get; init; }

    /// <summary>The arguments of that call.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>The JSON Schema of the reply, when one is asked for.</summary>
    public JsonElement? Schema { get; init; }

    /// <summary>The policy under which approval is asked for.</summary>
    public string? Policy { get; init; }

    /// <summary>How many different people must approve; 0 for one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Needed { get; init; }

    /// <summary>The roles of which a decider bears one; null for anybody.</summary>
    public IReadOnlyList<string>? Roles { get; init; }

    /// <summary>The one person who may decide, if it is for one.</summary>
    public string? Assignee { get; init; }

    /// <summary>When it expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The answer that it gets when it expires; null for <see cref="Answer.Deny"/>.</summary>
    public Answer? Default { get; init; }
}

/// <summary><c>question.reassigned</c>: a question was given to somebody else.</summary>
public sealed record QuestionReassigned(string Signal, string Id, string By, string? Assignee, IReadOnlyList<string>? Roles, [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Override = false) : RunEvent;

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

    /// <summary>Arguments that were approved in place of those asked about.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>SHA-256 of tool, <see cref="Arguments"/> and the definition as it was when they were approved.</summary>
    public string? Binding { get; init; }
}

/// <summary><c>child.started</c>: the intent of a child run; it starts in the transaction of this event.</summary>
public sealed record ChildStarted : RunEvent
{
    /// <summary>The child.</summary>
    public required RunId Child { get; init; }

    /// <summary>Its agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Its agent's version.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>The turn of the call that asked for it; 0 for a plan's step.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Turn { get; init; }

    /// <summary>The place of that call.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Index { get; init; }

    /// <summary>The plan's step that it carries out, if it does.</summary>
    public string? Step { get; init; }

    /// <summary>Whether it takes the task over: its answer is then the run's.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool HandOff { get; init; }
}

/// <summary><c>child.ended</c>: a child run has ended.</summary>
public sealed record ChildEnded : RunEvent
{
    /// <summary>The signal that brought it.</summary>
    public required string Signal { get; init; }

    /// <summary>The child.</summary>
    public required RunId Child { get; init; }

    /// <summary>How it ended.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Its answer, or what there is of one.</summary>
    public string? Output { get; init; }

    /// <summary>Why it did not complete.</summary>
    public string? Reason { get; init; }

    /// <summary>What it and its own children spent; their appends have counted it on this run's scope already.</summary>
    public required BudgetAmount Spent { get; init; }

    /// <summary>Hashes of its calls that failed.</summary>
    public IReadOnlyList<string>? FailedCalls { get; init; }
}

/// <summary><c>wait.started</c>: a call that waits for a time, or for a signal by name.</summary>
public sealed record WaitStarted(int Turn, int Index, DateTimeOffset? Until, string? SignalName) : RunEvent;

/// <summary><c>wait.ended</c>: the time came for which a call waited.</summary>
public sealed record WaitEnded(int Turn, int Index, string Result) : RunEvent;

/// <summary><c>signal.received</c>: something happened that a call may wait for by name, now or later.</summary>
public sealed record SignalReceived(string Signal, string Name, string? Payload) : RunEvent;

/// <summary><c>plan.made</c>: the planner's plan was accepted; it is carried out once nobody has to approve it any more.</summary>
public sealed record PlanMade(int Round, Orchestration.Plan Plan) : RunEvent;

/// <summary><c>history.added</c>: what was said before in the same session, as the next requests show it.</summary>
public sealed record HistoryAdded(IReadOnlyList<HistoryMessage> Messages) : RunEvent;

/// <summary>A message of an earlier run of the session.</summary>
/// <param name="Run">That run.</param>
/// <param name="Input">What was asked.</param>
/// <param name="Output">What it answered; null when it did not.</param>
public sealed record HistoryMessage(RunId Run, IReadOnlyList<ContentPart> Input, string? Output);

/// <summary><c>run.migrated</c>: the run goes on under another version of its agent.</summary>
public sealed record RunMigrated(string Signal, string FromVersion, string FromHash, string AgentVersion, string DefinitionHash, string By, string? Note) : RunEvent;

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

    /// <summary>May this plan be carried out?</summary>
    [JsonStringEnumMemberName("plan")] Plan,

    /// <summary>The agent asks the user something.</summary>
    [JsonStringEnumMemberName("user_input")] UserInput,

    /// <summary>The agent hands the task to a person.</summary>
    [JsonStringEnumMemberName("hand_off")] HandOff,
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

    /// <summary>What was asked for, in the result.</summary>
    [JsonStringEnumMemberName("reply")] Reply,

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
