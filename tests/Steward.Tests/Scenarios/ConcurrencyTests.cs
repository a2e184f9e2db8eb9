using System.Text.Json;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Scenarios;

/// <summary>Limits as a whole runtime meets them: two workers, each with a store of its own where the data can be shared so.</summary>
public abstract class ConcurrencyTests(ITestOutputHelper output)
{
    private const int Runs = 12;
    private const int Limit = 3;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    protected abstract Task<IStewardStore> OpenAsync();

    /// <summary>The same data for another process.</summary>
    protected abstract Task<IStewardStore> OpenAgainAsync(IStewardStore first);

    [Fact]
    public async Task Tool_LimitedAndCalledByTwoWorkers_NeverHasMoreCallsInFlight()
    {
        await using IStewardStore store = await OpenAsync();
        await using IStewardStore second = await OpenAgainAsync(store);
        await store.SetLimitsAsync(LimitScope.ForTool("fetch"), new Limits { CallsAtOnce = Limit }, Token);
        var crowd = new Crowd();
        ToolDefinition fetch = new("fetch", "Tested.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, cancelled) =>
        {
            await crowd.EnterAsync(Limit, cancelled);
            return new ToolOutput("ok");
        })
        { MaxRepeats = 100 };
        var model = FunctionModel.Script(
            FunctionModel.Calls_([.. Enumerable.Range(0, 5).Select(i => ("fetch", (object)new { i })), ("free", new { })]),
            FunctionModel.Calls_(("fetch", new { i = 6 }), ("fetch", new { i = 7 })),
            FunctionModel.Says("finished"));
        AgentDefinition agent = Harness.Agent(fetch, Harness.Tool("free", _ => "ok")).Build();
        await using var one = new Harness(store, model, agent, o => (o.SlotWait, o.MaxConcurrentRuns) = (TimeSpan.FromMilliseconds(150), 4));
        await using var two = new Harness(second, model, agent, o => (o.SlotWait, o.MaxConcurrentRuns) = (TimeSpan.FromMilliseconds(150), 4));
        await one.StartAsync();
        await two.StartAsync();

        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => (i % 2 == 0 ? one : two).Client.StartAsync("tester", new RunRequest($"go {i}") { Tenant = $"t{i % 3}" }, Token)));
        RunResult[] results = await Task.WhenAll(runs.Select(r => r.WaitAsync(Token)));

        Assert.All(results, r => Assert.Equal((RunStatus.Completed, "finished"), (r.Status, r.Output)));
        Assert.Equal((7 * Runs, Limit), (crowd.Calls, crowd.Most));
        Assert.Equal(0, Assert.Single(await store.LimitsAsync(Token)).Used.Calls);
        int claims = 0;
        foreach (RunHandle run in runs)
            claims += (await one.EventsAsync(run.Id)).Count(e => e is RunClaimed);
        output.WriteLine($"{Runs} runs on 2 workers: {crowd.Calls} calls, at most {crowd.Most} at once; {claims} claims in the journals.");
    }

    [Fact]
    public async Task Queue_Full_RefusesUntilARunWasTaken()
    {
        await using IStewardStore store = await OpenAsync();
        await store.SetLimitsAsync(LimitScope.EachTenant, new Limits { Queue = 2 }, Token);
        await using var harness = new Harness(store, FunctionModel.Script(FunctionModel.Says("done")), Harness.Agent().Build());
        RunHandle first = await StartAsync("one");
        await StartAsync("two");

        QueueFullException full = await Assert.ThrowsAsync<QueueFullException>(() => StartAsync("three"));

        Assert.Equal(new QueueFull(LimitScope.ForTenant("acme"), 2, 2), full.Full);
        Assert.Contains("raise the limit with SetLimitsAsync", full.Message, StringComparison.Ordinal);
        Assert.Equal(first.Id, (await StartAsync("one")).Id);
        await harness.StartAsync();
        Assert.Equal("done", (await first.WaitAsync(Token)).Output);
        RunHandle? third = null;
        for (int i = 0; third is null; i++)
        {
            try
            {
                third = await StartAsync("three");
            }
            catch (QueueFullException) when (i < 1_000)
            {
                await Task.Delay(10, Token);
            }
        }

        Assert.Equal("done", (await third.WaitAsync(Token)).Output);

        Task<RunHandle> StartAsync(string key) => harness.Client.StartAsync("tester", new RunRequest("go") { Tenant = "acme", Key = key }, Token);
    }

    /// <summary>Counts the calls inside a tool. The first ones stay until the tool is full, so that the limit is reached for sure.</summary>
    private sealed class Crowd
    {
        private readonly TaskCompletionSource _full = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _lock = new();
        private int _now;

        public int Calls { get; private set; }

        public int Most { get; private set; }

        public async Task EnterAsync(int limit, CancellationToken cancellationToken)
        {
            lock (_lock)
            {
                Calls++;
                Most = Math.Max(Most, ++_now);
                if (_now >= limit)
                    _full.TrySetResult();
            }

            await _full.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);
            await Task.Delay(5, cancellationToken);
            lock (_lock)
                _now--;
        }
    }
}
