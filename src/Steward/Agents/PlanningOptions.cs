using System.Text.Json.Serialization;

namespace Steward.Agents;

/// <summary>How an agent plans.</summary>
public sealed record PlanningOptions
{
    /// <summary>When it plans.</summary>
    /// <value><see cref="PlanningMode.Always"/>.</value>
    public PlanningMode Mode { get; init; } = PlanningMode.Always;

    /// <summary>Most plans of one run, the first one included.</summary>
    /// <value>10; 1 to 1,000.</value>
    public int MaxRounds { get; init; } = 10;

    /// <summary>Most steps of a plan.</summary>
    /// <value>20; 1 to 50.</value>
    public int MaxSteps { get; init; } = 20;

    /// <summary>Most steps that are carried out at the same time.</summary>
    /// <value>4; 1 to 64.</value>
    public int ParallelSteps { get; init; } = 4;

    /// <summary>Whether a plan with a destructive step awaits approval before anything runs.</summary>
    /// <value>True.</value>
    public bool ApproveDestructive { get; init; } = true;

    /// <summary>A plan with a step whose estimated cost is above this awaits approval before anything runs; null for never.</summary>
    /// <value>100, in <see cref="Unit"/>.</value>
    public decimal? ApproveAboveCost { get; init; } = 100m;

    /// <summary>The unit of estimated costs, as the planner is told it.</summary>
    /// <value><c>USD</c>.</value>
    public string Unit { get; init; } = "USD";

    /// <summary>Checks that each option is in its range.</summary>
    /// <exception cref="ArgumentException">One is not; the message names it.</exception>
    internal void Check()
    {
        OptionRange.Check<int>("PlanningOptions.MaxRounds", MaxRounds, 1, 1_000);
        OptionRange.Check<int>("PlanningOptions.MaxSteps", MaxSteps, 1, 50);
        OptionRange.Check<int>("PlanningOptions.ParallelSteps", ParallelSteps, 1, 64);
        OptionRange.Check<decimal>("PlanningOptions.ApproveAboveCost", ApproveAboveCost, 0, decimal.MaxValue);
    }
}

/// <summary>When an agent plans.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<PlanningMode>))]
public enum PlanningMode
{
    /// <summary>Every task is planned.</summary>
    [JsonStringEnumMemberName("always")] Always,

    /// <summary>The planner says whether a task needs a plan.</summary>
    [JsonStringEnumMemberName("auto")] Auto,
}
