using System.Collections.Concurrent;
using System.Text.Json;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Tests.Scenarios;

/// <summary>Many runs in flight when the switch is engaged.</summary>
public abstract class KillSwitchTests(ITestOutputHelper output)
{
    private const int Runs = 64;

    protected abstract Task<IStewardStore> OpenAsync();

    [Theory]
    [InlineData("global")]
    [InlineData("tenant:acme")]
    [InlineData("agent:tester")]
    public async Task Switch_EngagedWithSixtyFourRunsInFlight_NothingStartsAfterTheCommitAndAllGoOnLater(string scope)
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using IStewardStore store = await OpenAsync();
        ConcurrentDictionary<RunId, int> begun = new();
        var busy = new TaskCompletionSource();
        // Every call takes a while, and half of them ignore that they are cancelled.
        ToolDefinition work = new("work", "Tested.", JsonElement.Parse("""{"type":"object"}"""), async (context, arguments, cancelled) =>
        {
            if (begun.TryAdd(context.Run, 1) && begun.Count == Runs)
                busy.TrySetResult();
            await Task.Delay(20, arguments.GetProperty("n").GetInt32() % 2 == 0 ? cancelled : CancellationToken.None);
            return new ToolOutput("ok");
        })
        { Effect = ToolEffect.ReadOnly };
        var model = new FunctionModel((m, _) => m.Count > 60 ? FunctionModel.Says("finished") : FunctionModel.Calls_(("work", new { n = m.Count })));
        await using var harness = new Harness(store, model, Harness.Agent(work).WithLimits(new AgentLimits { Iterations = 100 }).Build(), o => o.MaxConcurrentRuns = Runs);
        await harness.StartAsync();
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => harness.Client.StartAsync("tester", new RunRequest($"go {i}") { Tenant = "acme" }, cancellationToken)));
        await busy.Task.WaitAsync(TimeSpan.FromSeconds(60), cancellationToken);

        Assert.True(await store.EngageAsync(new KillSwitch(scope, "the test", "a drill", TimeProvider.System.GetUtcNow()), cancellationToken));
        int intents = await CountIntentsAsync(store, runs);
        RunResult[] parked = await Task.WhenAll(runs.Select(r => r.WaitUntilSettledAsync(cancellationToken)));

        Assert.Equal(intents, await CountIntentsAsync(store, runs));
        Assert.All(parked, r => Assert.True(r.Status.IsTerminal() || r.Reason == "kill_switch", $"{r.Status} {r.Reason}"));
        int stopped = parked.Count(r => r.Reason == "kill_switch");
        Assert.True(stopped > Runs / 2, $"Only {stopped} runs were in flight.");
        Assert.True(await store.ReleaseAsync(scope, cancellationToken));
        RunResult[] results = await Task.WhenAll(runs.Select(r => r.WaitAsync(cancellationToken)));
        Assert.All(results, r => Assert.Equal((RunStatus.Completed, "finished"), (r.Status, r.Output)));
        output.WriteLine($"{scope}: {Runs} runs, {stopped} stopped, {intents} intents before the commit and 0 after it; all completed after the release.");
    }

    private static async Task<int> CountIntentsAsync(IStewardStore store, RunHandle[] runs)
    {
        int count = 0;
        foreach (RunHandle run in runs)
        {
            await foreach (JournalEntry entry in store.ReadAsync(run.Id, 0, TestContext.Current.CancellationToken))
                count += entry.Event is ToolStarted or ModelStarted ? 1 : 0;
        }

        return count;
    }
}
