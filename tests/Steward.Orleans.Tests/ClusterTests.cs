using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Orleans.Runtime;
using Steward.Client;
using Steward.Engine;
using Steward.Hosting;
using Steward.Journal;
using Steward.OrleansHost;
using Steward.Storage;

namespace Steward.Orleans.Tests;

/// <summary>Two silos in this process, on loopback. Where a test says that nobody polls, no NOTIFY is sent either: then only Orleans carries a hint.</summary>
public sealed class ClusterTests(ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(60);

    // WatchInterval is a minute at most: what a call in flight hears within this, it does not hear by polling.
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);
    private readonly List<IHost> _hosts = [];
    private ClusterSchema _schema = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _schema = await ClusterSchema.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        foreach (IHost host in Enumerable.Reverse(_hosts))
        {
            await host.StopAsync(CancellationToken.None);
            host.Dispose();
        }

        await _schema.DisposeAsync();
    }

    [Theory]
    [InlineData(RunPlacement.Random)]
    [InlineData(RunPlacement.ActivationCount)]
    public async Task Runs_OnTwoSilos_AreSpreadAndWorkedOnOnce(RunPlacement placement)
    {
        const int Count = 200;
        IStewardClient client = Client(await SiloAsync(orleans: o => o.Placement = placement));
        await SiloAsync(orleans: o => o.Placement = placement);

        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => client.StartAsync("quick", new RunRequest("go"), Token)));
        RunResult[] results = await Task.WhenAll(runs.Select(r => r.WaitAsync(Token))).WaitAsync(s_bound, Token);

        Assert.All(results, r => Assert.Equal(RunStatus.Completed, r.Status));
        List<string> workers = [];
        foreach (RunHandle run in runs)
            workers.Add(Assert.Single((await _schema.EventsAsync(run.Id)).OfType<RunClaimed>()).Worker);
        Dictionary<string, int> silos = workers.CountBy(w => w).ToDictionary();
        output.WriteLine(string.Join(", ", silos));
        Assert.Equal(2, silos.Count);
        Assert.All(silos.Values, n => Assert.True(n >= Count / 5, $"{n} of {Count}"));
    }

    [Fact]
    public async Task Cancel_FromTheOtherSiloAndNobodyPolls_StopsTheRunAtWork()
    {
        IHost[] silos = [await SiloAsync(NobodyPolls), await SiloAsync(NobodyPolls)];
        RunHandle[] runs = await SleepersAsync(Client(silos[0]), 6);

        // From each silo in turn: whichever holds them, half of the cancels come from the other.
        for (int i = 0; i < runs.Length; i++)
            await CancelAsync(silos[i % 2], runs[i]);
    }

    [Theory]
    [InlineData("global", false)]
    [InlineData("tenant:default", true)]
    [InlineData("agent:sleeper", false)]
    [InlineData("run", true)]
    public async Task KillSwitch_EngagedAndNobodyPolls_CutsOffCallsOnEverySiloAndReleasedTheyGoOn(string scope, bool fromAClient)
    {
        IHost[] silos = [await SiloAsync(NobodyPolls), await SiloAsync(NobodyPolls)];
        await SeeEachOtherAsync(silos);
        IHost caller = fromAClient ? await AddAsync(TestSilo.BuildClient(_schema.ConnectionString, _schema.Name, NobodyPolls, notify: false)) : silos[0];
        RunHandle[] runs = await SleepersAsync(Client(silos[0]), 16);
        List<RunInfo> working = await AtWorkAsync();
        // On a machine under load a silo may take all of the first ones before it hears of the other: then more are started.
        for (int more = 0; more < 5 && working.DistinctBy(r => r.Worker).Count() < 2; more++)
        {
            runs = [.. runs, .. await SleepersAsync(Client(silos[0]), 16)];
            working = await AtWorkAsync();
        }

        Assert.Equal(2, working.Select(r => r.Worker).Distinct().Count());

        // Of a run alone: one that is on the silo on which the switch is not engaged.
        RunInfo other = working.First(r => r.Worker != Worker(silos[0]));
        string where = scope == "run" ? $"run:{other.Run}" : scope;
        RunId[] covered = [.. working.Select(r => r.Run).Where(r => scope != "run" || r == other.Run)];
        Assert.True((await Client(caller).EngageAsync(new KillSwitch(where, "the test", null, TimeProvider.System.GetUtcNow()), Token)).Changed);

        await EventuallyAsync(async () => (await ParkedAsync()).Count == covered.Length, DescribeAsync, s_soon);
        Assert.Equal(covered.ToHashSet(), [.. await ParkedAsync()]);
        Assert.Equal(runs.Length - covered.Length, (await AtWorkAsync()).Count);

        // The call was cut off; told so, the model says that it is done.
        Assert.True(await Client(caller).ReleaseAsync(where, Token));
        await EventuallyAsync(async () => (await _schema.Store.FindAsync(new RunQuery { Statuses = [RunStatus.Completed] }, Token)).Count == covered.Length, DescribeAsync);
    }

    [Fact]
    public async Task Signal_FromAClientAndNobodyPolls_WakesAParkedRun()
    {
        await SiloAsync(NobodyPolls);
        await SiloAsync(NobodyPolls);
        IHost host = await AddAsync(TestSilo.BuildClient(_schema.ConnectionString, _schema.Name, NobodyPolls, notify: false));
        RunHandle run = await Client(host).StartAsync("waiter", new RunRequest("go"), Token);
        await EventuallyAsync(async () => await run.GetInfoAsync(Token) is { Status: RunStatus.Awaiting, Worker: null });

        await run.SignalAsync("go", cancellationToken: Token);

        await EventuallyAsync(async () => await run.GetInfoAsync(Token) is { Status: RunStatus.Completed });
    }

    [Fact]
    public async Task Follow_RunAtWorkOnAnotherSilo_HearsTextAndItsEnd()
    {
        IHost[] silos = [await SiloAsync(NobodyPolls), await SiloAsync(NobodyPolls)];
        RunHandle run = await Client(silos[0]).StartAsync("talker", new RunRequest("go"), Token);
        await EventuallyAsync(async () => await run.GetInfoAsync(Token) is { Worker: not null });

        List<RunUpdate>[] heard = await Task.WhenAll(silos.Select(s => ListenAsync(s, run.Id))).WaitAsync(s_bound, Token);

        Assert.All(heard, updates =>
        {
            Assert.Contains(updates, u => u is TextArrived { Text.Length: > 0 });
            Assert.Equal(RunStatus.Completed, Assert.IsType<EntriesCommitted>(updates[^1]).Status);
        });
    }

    /// <summary>As after a takeover while Orleans did not answer: a worker claimed the runs without it, and no grain is there.</summary>
    [Fact]
    public async Task Cancel_OfRunsThatAWorkerClaimedWithoutOrleans_ReachesItsSiloAndNobodyPolls()
    {
        IHost[] silos = [await SiloAsync(NobodyPolls), await SiloAsync(NobodyPolls)];
        RunHandle[] runs = await ClaimedWithoutOrleansAsync(silos[1], "sleeper", 8);
        await EventuallyAsync(async () => (await AtWorkAsync()).Count == runs.Length, DescribeAsync);

        foreach (RunHandle run in runs)
            await CancelAsync(silos[0], run);
    }

    [Fact]
    public async Task Follow_RunsThatAWorkerClaimedWithoutOrleans_HearsText()
    {
        IHost[] silos = [await SiloAsync(NobodyPolls), await SiloAsync(NobodyPolls)];
        RunHandle[] runs = await ClaimedWithoutOrleansAsync(silos[1], "talker", 8);

        List<RunUpdate>[] heard = await Task.WhenAll(runs.Select(r => ListenAsync(silos[0], r.Id))).WaitAsync(s_bound, Token);

        Assert.All(heard, updates => Assert.Contains(updates, u => u is TextArrived { Text.Length: > 0 }));
    }

    [Fact]
    public async Task Follow_ByASlowReader_SaysThatItDropped()
    {
        IHost silo = await SiloAsync(orleans: o => o.FollowQueue = 3);
        RunHandle run = await Client(silo).StartAsync("talker", new RunRequest("go"), Token);
        List<RunUpdate> updates = [];
        await foreach (RunUpdate update in silo.Services.GetRequiredService<IRunStreams>().FollowAsync(run.Id, Token))
        {
            updates.Add(update);
            if (updates.Count == 1)
                await run.WaitAsync(Token).WaitAsync(s_bound, Token);
        }

        Assert.Contains(updates, u => u is UpdatesDropped { Count: > 0 });
        Assert.IsType<EntriesCommitted>(updates[^1]);
    }

    [Fact]
    public async Task Follow_NoSuchRun_SaysSo()
    {
        IHost silo = await SiloAsync();
        var nobody = RunId.New(TimeProvider.System);

        StewardException e = await Assert.ThrowsAsync<StewardException>(() => ListenAsync(silo, nobody).WaitAsync(s_bound, Token));

        Assert.Contains($"{nobody}", e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Silo_WithAWorkerNameOfItsOwn_IsRefused()
    {
        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(() => SiloAsync(o => o.WorkerName = "alpha"));

        Assert.Contains("WorkerName is 'alpha'", e.Message, StringComparison.Ordinal);
        _hosts.Clear();
    }

    [Fact]
    public async Task Follow_RunThatHasEnded_Ends()
    {
        IHost silo = await SiloAsync();
        RunHandle run = await Client(silo).StartAsync("quick", new RunRequest("go"), Token);
        await run.WaitAsync(Token).WaitAsync(s_bound, Token);

        Assert.Equal(RunStatus.Completed, Assert.IsType<EntriesCommitted>(Assert.Single(await ListenAsync(silo, run.Id))).Status);
    }

    [Fact]
    public async Task Silos_Full_LeaveRunsInTheQueueAndTakeThemWhenThereIsRoom()
    {
        IHost silo = await SiloAsync(o => o.MaxConcurrentRuns = 1);
        await SiloAsync(o => o.MaxConcurrentRuns = 1);
        RunHandle[] runs = [.. await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Client(silo).StartAsync("sleeper", new RunRequest("go"), Token)))];

        for (int cancelled = 0; cancelled < runs.Length; cancelled++)
        {
            int expected = Math.Min(2, runs.Length - cancelled);
            List<RunInfo> working = [];
            await EventuallyAsync(async () => (working = await AtWorkAsync()).Count == expected, DescribeAsync);
            Assert.Equal(expected, working.Select(w => w.Worker).Distinct().Count());
            await Client(silo).Get(working[0].Run).CancelAsync("the test", cancellationToken: Token);
            await EventuallyAsync(async () => await Client(silo).Get(working[0].Run).GetInfoAsync(Token) is { Status: RunStatus.Cancelled });
        }
    }

    /// <summary>What a cluster would be that has fallen apart: two that do not know of each other, with a grain for each run in both.</summary>
    [Fact]
    public async Task Clusters_ThatDoNotKnowEachOther_WorkOnEachRunOnce()
    {
        IHost[] silos = [await SiloAsync(orleans: o => o.ClusterId = "left"), await SiloAsync(orleans: o => o.ClusterId = "right")];
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Client(silos[i % 2]).StartAsync("stepper", new RunRequest("go"), Token)));

        await Task.WhenAll(runs.Select(r => r.WaitAsync(Token))).WaitAsync(s_bound, Token);

        Assert.Equal(runs.Length * ScriptedAgents.Steps, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger"));
        Assert.Equal(runs.Length * ScriptedAgents.Steps, await _schema.ScalarAsync<long>("SELECT count(DISTINCT key) FROM steward.ledger"));
        foreach (RunHandle run in runs)
            Assert.Single((await _schema.EventsAsync(run.Id)).OfType<RunClaimed>());
    }

    [Fact]
    public async Task Silo_Stopped_GivesItsRunsBackToTheOther()
    {
        IHost first = await SiloAsync(o => o.DrainGrace = TimeSpan.FromMilliseconds(200));
        IHost second = await SiloAsync(o => o.DrainGrace = TimeSpan.FromMilliseconds(200));
        RunHandle[] runs = await SleepersAsync(Client(first), 8);

        string[] given = [.. (await AtWorkAsync()).Where(r => r.Worker == Worker(first)).Select(r => $"{r.Run}")];
        Assert.NotEmpty(given);

        long began = TimeProvider.System.GetTimestamp();
        await first.StopAsync(Token);
        output.WriteLine($"Stopped in {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s.");

        // The tool was cut off; told so, the model says that it is done.
        RunHandle[] moved = [.. runs.Where(r => given.Contains($"{r.Id}"))];
        await Task.WhenAll(moved.Select(r => Client(second).Get(r.Id).WaitAsync(Token))).WaitAsync(s_bound, Token);
        foreach (RunHandle run in moved)
            Assert.NotEqual(Worker(first), (await _schema.EventsAsync(run.Id)).OfType<RunClaimed>().Last().Worker);
        Assert.Equal(1, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.silo WHERE status = 'Active'"));
    }

    private static void NobodyPolls(StewardOptions options)
    {
        (options.PollInterval, options.WatchInterval, options.LeaseDuration) = (TimeSpan.FromMinutes(5), TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(30));
        options.DrainGrace = TimeSpan.FromMilliseconds(200);
    }

    private static string Worker(IHost silo) => silo.Services.GetRequiredService<IRunWorker>().Name;

    private static IStewardClient Client(IHost host) => host.Services.GetRequiredService<IStewardClient>();

    private static async Task<List<RunUpdate>> ListenAsync(IHost host, RunId run)
    {
        List<RunUpdate> updates = [];
        await foreach (RunUpdate update in host.Services.GetRequiredService<IRunStreams>().FollowAsync(run, Token))
            updates.Add(update);
        return updates;
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition, Func<Task<string>>? describe = null, TimeSpan? bound = null)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(began) >= (bound ?? s_bound))
                Assert.Fail($"It did not come about. {(describe is null ? "" : await describe())}");
            await Task.Delay(20, Token);
        }
    }

    /// <summary>One at a time: a silo that is told of one run looks at all that it has.</summary>
    private async Task CancelAsync(IHost from, RunHandle run)
    {
        await Client(from).Get(run.Id).CancelAsync("the test", cancellationToken: Token);
        await EventuallyAsync(async () => await run.GetInfoAsync(Token) is { Status: RunStatus.Cancelled }, DescribeAsync, s_soon);
    }

    private async Task<RunHandle[]> SleepersAsync(IStewardClient client, int count)
    {
        int before = (await AtWorkAsync()).Count;
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => client.StartAsync("sleeper", new RunRequest("go"), Token)));
        await EventuallyAsync(async () => (await AtWorkAsync()).Count == before + count);
        return runs;
    }

    /// <summary>Started by a node that tells no silo, and claimed by a silo's worker that nobody asked to.</summary>
    private async Task<RunHandle[]> ClaimedWithoutOrleansAsync(IHost silo, string agent, int count)
    {
        IHost node = await AddAsync(TestSilo.BuildNode(_schema.ConnectionString, _schema.Name, o => { NobodyPolls(o); o.RunWorker = false; }, notify: false));
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, count).Select(_ => Client(node).StartAsync(agent, new RunRequest("go"), Token)));
        foreach (RunHandle run in runs)
            Assert.Equal(OfferOutcome.Started, (await silo.Services.GetRequiredService<IRunWorker>().OfferAsync(run.Id, Token)).Outcome);
        return runs;
    }

    /// <summary>What the store says of each run, for a test that fails.</summary>
    private async Task<string> DescribeAsync()
    {
        List<string> lines = [];
        foreach (RunInfo run in await _schema.Store.FindAsync(new RunQuery(), Token))
            lines.Add($"{run.Run} {run.Status} ({run.Reason}) of {run.Worker ?? "nobody"}, epoch {run.Epoch}: {string.Join(", ", (await _schema.EventsAsync(run.Run)).Select(e => e.GetType().Name))}");
        return string.Join(Environment.NewLine, lines);
    }

    /// <summary>Runs that a kill switch has parked.</summary>
    private async Task<List<RunId>> ParkedAsync() =>
        [.. (await _schema.Store.FindAsync(new RunQuery { Statuses = [RunStatus.Awaiting] }, Token)).Where(r => r.Reason == "kill_switch" && r.Worker is null).Select(r => r.Run)];

    /// <summary>Runs whose tool call is under way.</summary>
    private async Task<List<RunInfo>> AtWorkAsync()
    {
        List<RunInfo> working = [];
        foreach (RunInfo run in await _schema.Store.FindAsync(new RunQuery(), Token))
        {
            if (run.Worker is not null && (await _schema.EventsAsync(run.Run))[^1] is ToolStarted)
                working.Add(run);
        }

        return working;
    }

    private Task<IHost> SiloAsync(Action<StewardOptions>? configure = null, Action<StewardOrleansOptions>? orleans = null)
    {
        (int silo, int gateway) = Ports.Next();
        bool notify = configure != NobodyPolls;
        return AddAsync(TestSilo.Build(_schema.ConnectionString, _schema.Name, silo, gateway, configure, orleans, notify));
    }

    /// <summary>A silo that has just heard of no other keeps every run for itself.</summary>
    private static Task SeeEachOtherAsync(IHost[] silos) => EventuallyAsync(() => Task.FromResult(
        silos.All(s => s.Services.GetRequiredService<ISiloStatusOracle>().GetApproximateSiloStatuses(onlyActive: true).Count == silos.Length)));

    private async Task<IHost> AddAsync(IHost host)
    {
        _hosts.Add(host);
        await host.StartAsync(Token);
        return host;
    }
}
