using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

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
