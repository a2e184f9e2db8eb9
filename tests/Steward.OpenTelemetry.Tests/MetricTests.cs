using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Steward.Agents;
using Steward.Storage;
using Steward.Tools;
using static Steward.OpenTelemetry.Tests.TelemetryHost;

namespace Steward.OpenTelemetry.Tests;

/// <summary>What is measured of a run, and that no tag names it.</summary>
public sealed class MetricTests
{
    [Fact]
    public async Task Run_ModelAndTools_AreMeasuredWithoutItsName()
    {
        ConcurrentQueue<(string Name, double Value, string Tags)> seen = new();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Name == "Steward")
                    l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<long>((i, value, tags, _) => seen.Enqueue((i.Name, value, Describe(tags))));
        listener.SetMeasurementEventCallback<double>((i, value, tags, _) => seen.Enqueue((i.Name, value, Describe(tags))));
        listener.Start();
        await using var store = new InMemoryStewardStore(TimeProvider.System);
        AgentDefinition agent = new AgentBuilder("tester").Instruct("You test.").UseModel(Model("m"))
            .AddTools(Tool("look", (_, _) => ValueTask.FromResult("found")), Tool("fail", (_, _) => throw new ToolException("no")))
            .Build();
        string run;
        await using (TelemetryHost host = await StartAsync(
            store, agent, (_, m) => m.Count > 2 ? Says("Done.") : Calls(("look", "1"), ("fail", "2"), ("nothing", "3"))))
            run = (await host.RunAsync("go")).Run.Id.ToString();

        Assert.Equal([100.0, 10.0, 100.0, 10.0], seen.Where(s => s.Name == "gen_ai.client.token.usage").Select(s => s.Value));
        Assert.Equal(2, seen.Count(s => s.Name == "gen_ai.client.operation.duration"));
        Assert.Equal(["reported", "unknown_tool"], seen.Where(s => s.Name == "steward.tool.failures").Select(s => s.Tags.Split("error.type=")[1].Split(' ')[0]).Order(StringComparer.Ordinal));
        Assert.Equal(2, seen.Count(s => s.Name == "steward.tool.duration"));
        Assert.Contains("steward.status=completed", Assert.Single(seen, s => s.Name == "steward.run.duration").Tags, StringComparison.Ordinal);
        Assert.Single(seen, s => s.Name == "steward.queue.duration");
        Assert.All(seen, s => Assert.DoesNotContain(run, s.Tags, StringComparison.Ordinal));
    }

    private static string Describe(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        string.Join(' ', tags.ToArray().Select(t => $"{t.Key}={t.Value}"));
}
