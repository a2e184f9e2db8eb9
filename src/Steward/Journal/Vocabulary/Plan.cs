using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>How a task is going to be done: steps, and what each one waits for.</summary>
public sealed record Plan
{
    /// <summary>The steps.</summary>
    public required IReadOnlyList<PlanStep> Steps { get; init; }

    /// <summary>In a plan after a failure: what happened, and what will be different.</summary>
    public string? Reflection { get; init; }
}

/// <summary>A step of a plan: done by a child run that is told this, and the results that it depends on, and nothing else.</summary>
public sealed record PlanStep
{
    /// <summary>Its name in the plan: letters, digits, <c>-</c> and <c>_</c>.</summary>
    public required string Id { get; init; }

    /// <summary>What is to be achieved.</summary>
    public required string Goal { get; init; }

    /// <summary>How one sees that it was.</summary>
    public required string SuccessCriterion { get; init; }

    /// <summary>The steps whose results it needs.</summary>
    public IReadOnlyList<string> DependsOn { get => field ?? []; init; }

    /// <summary>The tools that it is meant to use.</summary>
    public IReadOnlyList<string> Tools { get => field ?? []; init; }

    /// <summary>Whether it destroys something.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Destructive { get; init; }

    /// <summary>What it may cost, in the agent's own unit (see <c>Planning.Unit</c>).</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public decimal EstimatedCost { get; init; }
}
