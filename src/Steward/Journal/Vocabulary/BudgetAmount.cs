using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>What something uses of a budget: calls, tokens and US dollars.</summary>
/// <param name="ModelCalls">Calls to models, every attempt counted.</param>
/// <param name="ToolCalls">Tool calls that were started.</param>
/// <param name="Tokens">Input and output tokens together, cached ones included.</param>
/// <param name="Usd">US dollars.</param>
public readonly record struct BudgetAmount(
    [property: JsonPropertyName("models"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long ModelCalls = 0,
    [property: JsonPropertyName("tools"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long ToolCalls = 0,
    [property: JsonPropertyName("tokens"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] long Tokens = 0,
    [property: JsonPropertyName("usd"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] decimal Usd = 0)
{
    /// <summary>Nothing.</summary>
    public static BudgetAmount Zero => default;

    /// <summary>The sum of two amounts, metric by metric.</summary>
    public static BudgetAmount operator +(BudgetAmount a, BudgetAmount b) =>
        new(a.ModelCalls + b.ModelCalls, a.ToolCalls + b.ToolCalls, a.Tokens + b.Tokens, a.Usd + b.Usd);

    /// <summary>The difference of two amounts, metric by metric.</summary>
    public static BudgetAmount operator -(BudgetAmount a, BudgetAmount b) =>
        new(a.ModelCalls - b.ModelCalls, a.ToolCalls - b.ToolCalls, a.Tokens - b.Tokens, a.Usd - b.Usd);

    /// <summary>The sum of two amounts.</summary>
    public static BudgetAmount Add(BudgetAmount left, BudgetAmount right) => left + right;

    /// <summary>The difference of two amounts.</summary>
    public static BudgetAmount Subtract(BudgetAmount left, BudgetAmount right) => left - right;

    /// <summary>The amount of one metric.</summary>
    public decimal Of(BudgetMetric metric) => metric switch
    {
        BudgetMetric.ModelCalls => ModelCalls,
        BudgetMetric.ToolCalls => ToolCalls,
        BudgetMetric.Tokens => Tokens,
        BudgetMetric.Usd => Usd,
        _ => throw new ArgumentOutOfRangeException(nameof(metric), metric, "Not a metric of a shared budget."),
    };
}

/// <summary>What a ceiling limits.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<BudgetMetric>))]
public enum BudgetMetric
{
    /// <summary>Calls to models.</summary>
    [JsonStringEnumMemberName("model_calls")] ModelCalls,

    /// <summary>Calls of tools.</summary>
    [JsonStringEnumMemberName("tool_calls")] ToolCalls,

    /// <summary>Tokens in and out.</summary>
    [JsonStringEnumMemberName("tokens")] Tokens,

    /// <summary>US dollars.</summary>
    [JsonStringEnumMemberName("usd")] Usd,

    /// <summary>Turns of a run's loop; per run only.</summary>
    [JsonStringEnumMemberName("iterations")] Iterations,

    /// <summary>Time from start, waiting not counted; per run only.</summary>
    [JsonStringEnumMemberName("wall_time")] WallTime,
}

/// <summary>Ceilings of one scope; a metric without a value has no ceiling there.</summary>
public sealed record BudgetCeilings
{
    /// <summary>No ceiling at all.</summary>
    public static BudgetCeilings None { get; } = new();

    /// <summary>Most calls to models, every attempt counted.</summary>
    public long? ModelCalls { get; init; }

    /// <summary>Most tool calls.</summary>
    public long? ToolCalls { get; init; }

    /// <summary>Most tokens, in and out together.</summary>
    public long? Tokens { get; init; }

    /// <summary>Most US dollars.</summary>
    public decimal? Usd { get; init; }

    /// <summary>Checks that no ceiling is below 0, which holds everything back.</summary>
    /// <exception cref="ArgumentException">One is; the message names it.</exception>
    internal void Check()
    {
        OptionRange.Check<long>("BudgetCeilings.ModelCalls", ModelCalls, 0, long.MaxValue);
        OptionRange.Check<long>("BudgetCeilings.ToolCalls", ToolCalls, 0, long.MaxValue);
        OptionRange.Check<long>("BudgetCeilings.Tokens", Tokens, 0, long.MaxValue);
        OptionRange.Check<decimal>("BudgetCeilings.Usd", Usd, 0, decimal.MaxValue);
    }

    /// <summary>The ceiling of one shared metric, if there is one.</summary>
    public decimal? Of(BudgetMetric metric) => metric switch
    {
        BudgetMetric.ModelCalls => ModelCalls,
        BudgetMetric.ToolCalls => ToolCalls,
        BudgetMetric.Tokens => Tokens,
        BudgetMetric.Usd => Usd,
        _ => null,
    };

    /// <summary>The tighter of two sets of ceilings, metric by metric.</summary>
    public BudgetCeilings Tighten(BudgetCeilings? other) => other is null ? this : new()
    {
        ModelCalls = Min(ModelCalls, other.ModelCalls),
        ToolCalls = Min(ToolCalls, other.ToolCalls),
        Tokens = Min(Tokens, other.Tokens),
        Usd = Min(Usd, other.Usd),
    };

    private static T? Min<T>(T? a, T? b)
        where T : struct, IComparable<T> =>
        a is null ? b : b is null ? a : a.Value.CompareTo(b.Value) <= 0 ? a : b;
}
