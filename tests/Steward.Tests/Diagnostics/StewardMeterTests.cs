using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Steward.Diagnostics;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Tests.Diagnostics;

public sealed class StewardMeterTests
{
    [Theory]
    [InlineData("run:019cae6b66007793a434d4dafa604861", BudgetMetric.Usd, "run", "usd")]
    [InlineData("session:a%3Ab/c:d", BudgetMetric.Tokens, "session", "tokens")]
    [InlineData("tenant:acme", BudgetMetric.ModelCalls, "tenant", "model_calls")]
    [InlineData("agent:support@2026-11-23", BudgetMetric.ToolCalls, "agent_day", "tool_calls")]
    [InlineData("global", BudgetMetric.Usd, "global", "usd")]
    public void Alerted_Scope_CountsItsKindAndNeverItsName(string scope, BudgetMetric metric, string kind, string name)
    {
        using ServiceProvider services = Services();
        using var counted = new AlertCounts(services.GetRequiredService<IMeterFactory>());

        foreach (IRunObserver observer in services.GetServices<IRunObserver>())
            observer.Alerted(RunState.Empty(RunId.New(TimeProvider.System)), new BudgetAlert(new BudgetScope(scope), metric, 0.8m, 81, 100));

        Assert.Equal([$"1 steward.budget.scope={kind} steward.budget.metric={name}"], counted.All);
    }

    [Fact]
    public void Create_NoFactory_IsAMeterOfTheProcess()
    {
        using var meter = new StewardMeter(null, new Handlers(8));
        using var counted = new AlertCounts(null);

        meter.Alerted(RunState.Empty(RunId.New(TimeProvider.System)), new BudgetAlert(BudgetScope.Global, BudgetMetric.Usd, 0.8m, 81, 100));

        Assert.NotEmpty(counted.All);
    }

    [Fact]
    public void AddSteward_Twice_CountsAndLogsOnce()
    {
        var services = new ServiceCollection();
        services.AddSteward();
        services.AddSteward();

        Assert.Equal(5, services.Count(s => s.ServiceType == typeof(IRunObserver)));
    }

    private static ServiceProvider Services()
    {
        var services = new ServiceCollection();
        services.AddMetrics();
        services.AddSteward();
        return services.BuildServiceProvider();
    }
}

/// <summary>Hears what is counted on one factory's meter, or on those of the process.</summary>
internal sealed class AlertCounts : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly List<string> _all = [];

    public AlertCounts(IMeterFactory? factory)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name == StewardMeter.Name && instrument.Name == "steward.budget.alerts" && instrument.Meter.Scope == factory)
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((_, count, tags, _) =>
        {
            lock (_all)
                _all.Add($"{count} {string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}"))}");
        });
        _listener.Start();
    }

    public IReadOnlyList<string> All
    {
        get
        {
            lock (_all)
                return [.. _all];
        }
    }

    public void Dispose() => _listener.Dispose();
}
