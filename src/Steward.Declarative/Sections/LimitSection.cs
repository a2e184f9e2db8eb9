using Steward.Agents;
using Steward.Declarative.Yaml;
using Steward.Journal;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>budget</c> and <c>limits</c>.</summary>
internal static class LimitSection
{
    private static readonly TimeSpan s_year = TimeSpan.FromDays(365);

    public static (BudgetCeilings Run, BudgetCeilings? Session) Budget(YamlValue? value)
    {
        if (value is not { } given)
            return (BudgetCeilings.None, null);
        YamlMap map = given.Map("'budget'", AgentKeys.Budget);
        return (Ceilings(map), map.Find("per_session") is { } session ? Ceilings(session.Map("'per_session'", AgentKeys.Ceilings)) : null);
    }

    public static AgentLimits Limits(YamlValue? value)
    {
        var limits = new AgentLimits();
        if (value is not { } given)
            return limits;
        YamlMap map = given.Map("'limits'", AgentKeys.Limits);
        return limits with
        {
            Iterations = map.Whole("iterations", 1, 100_000) ?? limits.Iterations,
            WallTime = map.Find("wall_time")?.Duration(TimeSpan.FromMilliseconds(1), s_year),
            ParallelTools = map.Whole("parallel_tools", 1, 256) ?? limits.ParallelTools,
            CallsPerMessage = map.Whole("calls_per_message", 1, 1_024) ?? limits.CallsPerMessage,
            Mistakes = map.Whole("mistakes", 1, 1_000) ?? limits.Mistakes,
            ValidationRounds = map.Whole("validation_rounds", 1, 100) ?? limits.ValidationRounds,
            Attempts = map.Whole("attempts", 1, 1_000) ?? limits.Attempts,
            MinOutput = map.Whole("min_output", 1, 100_000) ?? limits.MinOutput,
            MinWrapUp = map.Whole("min_wrap_up", 1, 100_000) ?? limits.MinWrapUp,
            Depth = map.Whole("depth", 0, 16) ?? limits.Depth,
            Children = map.Whole("children", 0, 1_024) ?? limits.Children,
            ModelPatience = map.Find("model_patience")?.Duration(TimeSpan.Zero, TimeSpan.FromDays(30)),
            BudgetWait = map.Find("budget_wait")?.Duration(TimeSpan.Zero, TimeSpan.FromDays(1)) ?? limits.BudgetWait,
        };
    }

    private static BudgetCeilings Ceilings(YamlMap map) => new()
    {
        Usd = map.Find("usd")?.Usd(),
        Tokens = map.Find("tokens")?.Long(0),
        ModelCalls = map.Find("model_calls")?.Long(0),
        ToolCalls = map.Find("tool_calls")?.Long(0),
    };
}
