using System.Diagnostics.Metrics;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Diagnostics;

/// <summary>Counts what an operator watches, on the meter <c>Steward</c>. Names of
/// tenants, sessions and runs never become tags: there is no end of them.</summary>
internal sealed class StewardMeter : IRunObserver, IDisposable
{
    public const string Name = "Steward";
    public const string ScopeTag = "steward.budget.scope";
    public const string MetricTag = "steward.budget.metric";

    private readonly Meter _meter;
    private readonly Counter<long> _alerts;

    /// <summary>The meter, for other instruments of the runtime.</summary>
    public Meter Meter => _meter;

    /// <summary>Journal entries that telemetry left out.</summary>
    public Counter<long> TelemetryDropped { get; }

    /// <param name="factory">The application's, whose meters its tests and exporters tell apart; null for a meter of the process.</param>
    /// <param name="handlers">Where tools run.</param>
    public StewardMeter(IMeterFactory? factory, Handlers handlers)
    {
        var options = new MeterOptions(Name) { Version = typeof(StewardMeter).Assembly.GetName().Version?.ToString(3) };
        _meter = factory?.Create(options) ?? new Meter(options);
        _alerts = _meter.CreateCounter<long>("steward.budget.alerts", "{alert}", "Soft thresholds of budgets that were crossed.");
        _meter.CreateObservableGauge(
            "steward.tool.abandoned", () => handlers.Abandoned, "{call}", "Tool calls that were given up and have not come back.");
        TelemetryDropped = _meter.CreateCounter<long>("steward.telemetry.dropped", "{entry}", "Journal entries that became no spans because too many waited.");
    }

    public void Alerted(RunState state, BudgetAlert alert) =>
        _alerts.Add(1, new(ScopeTag, KindOf(alert.Scope)), new(MetricTag, NameOf(alert.Metric)));

    public void Dispose() => _meter.Dispose();

    public static string KindOf(BudgetScope scope) => scope.Key.Split(':', 2)[0] is var kind && kind == "agent" ? "agent_day" : kind;

    private static string NameOf(BudgetMetric metric) => metric switch
    {
        BudgetMetric.ModelCalls => "model_calls",
        BudgetMetric.ToolCalls => "tool_calls",
        BudgetMetric.Tokens => "tokens",
        BudgetMetric.Usd => "usd",
        _ => "other",
    };
}
