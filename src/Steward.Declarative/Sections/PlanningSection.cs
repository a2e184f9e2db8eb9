using Steward.Agents;
using Steward.Declarative.Yaml;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>planning</c>.</summary>
internal static class PlanningSection
{
    private static readonly Dictionary<string, PlanningMode> s_modes = new(StringComparer.Ordinal)
    {
        ["always"] = PlanningMode.Always,
        ["auto"] = PlanningMode.Auto,
    };

    public static PlanningOptions? Read(YamlValue? value)
    {
        if (value is not { } given)
            return null;
        YamlMap map = given.Map("'planning'", AgentKeys.Planning);
        var options = new PlanningOptions();
        return options with
        {
            Mode = map.Find("mode")?.OneOf("a mode of planning", s_modes) ?? options.Mode,
            MaxRounds = map.Whole("max_rounds", 1, 1_000) ?? options.MaxRounds,
            MaxSteps = map.Whole("max_steps", 1, 50) ?? options.MaxSteps,
            ParallelSteps = map.Whole("parallel_steps", 1, 64) ?? options.ParallelSteps,
            ApproveDestructive = map.Flag("approve_destructive", options.ApproveDestructive),
            ApproveAboveCost = map.Find("approve_above_cost") is { } cost ? Cost(cost) : options.ApproveAboveCost,
            Unit = map.Find("unit")?.NonEmpty("the unit") ?? options.Unit,
        };
    }

    /// <summary>A cost; <c>false</c> for never.</summary>
    private static decimal? Cost(YamlValue value)
    {
        if (value.IsFlag)
            return value.Flag() ? throw value.Error("Write the cost above which a plan is approved first, or false for never.") : null;
        return value.Number() is var cost and >= 0
            ? cost
            : throw value.Error($"{value.Shown} is below 0. Write a cost, or false for never.");
    }
}
