using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

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

    /// <summary>A decider bears one of these roles; null for anybody.</summary>
    public IReadOnlyList<string>? Roles { get; init; }

    /// <summary>The one person who may decide, if it is for one.</summary>
    public string? Assignee { get; init; }

    /// <summary>Who may not approve it: whoever started the run, under a policy of four eyes. Null for nobody.</summary>
    public IReadOnlyList<string>? NotBy { get; init; }

    /// <summary>When it expires; null for never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The answer that it gets when it expires; null for <see cref="Answer.Deny"/>.</summary>
    public Answer? Default { get; init; }
}

/// <summary><c>question.reassigned</c>: a question was given to somebody else.</summary>
public sealed record QuestionReassigned(
    string Signal,
    string Id,
    string By,
    string? Assignee,
    IReadOnlyList<string>? Roles,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Override = false)
    : RunEvent;

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
