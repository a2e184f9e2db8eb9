using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>model.started</c>: the intent of a model call, with what it may cost at most.</summary>
public sealed record ModelStarted : RunEvent
{
    /// <summary>The turn, from 1; attempts of one turn share it.</summary>
    public required int Turn { get; init; }

    /// <summary>The attempt at this turn, from 1; counts on over fallbacks and crashes.</summary>
    public required int Attempt { get; init; }

    /// <summary>The role it is called in.</summary>
    public required ModelRole Role { get; init; }

    /// <summary>What a side call is for, for example <c>judge</c>; null for the conversation's own calls.</summary>
    public string? Purpose { get; init; }

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

    /// <summary>Why it stopped: <c>stop</c>, <c>tool_calls</c>, <c>length</c>, <c>paused</c>, or the provider's own word.</summary>
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

    /// <summary>What the model had said before it declined, if anything.</summary>
    public string? Partial { get; init; }

    /// <summary>What it cost: zero when the provider refused before any work, the reported usage, or the whole reservation.</summary>
    public required BudgetAmount Settled { get; init; }

    /// <summary>True when nothing is left to try for this turn.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Final { get; init; }
}

/// <summary>Tokens of a model call. <see cref="Input"/> includes the cached ones.</summary>
public sealed record TokenUsage(
    long Input,
    long Output,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long CacheRead = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long CacheWrite = 0,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Reasoning = 0);
