using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Journal;
using Steward.OrleansHost;

namespace Steward.Orleans.Tests;

/// <summary>Silos in processes of their own, killed, frozen and restarted with runs under way. The tool is unsafe and has a probe; its ledger takes every call.</summary>
public sealed class ProcessTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Runs = 24;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(120);
    private readonly List<SiloProcess> _silos = [];
    private readonly List<SiloProxy> _proxies = [];
    private ClusterSchema _schema = null!;
    private IHost _client = null!;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _schema = await ClusterSchema.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.StopAsync(CancellationToken.None);
            _client.Dispose();
        }

        foreach (SiloProcess silo in _silos)
            silo.Dispose();
        foreach (SiloProxy proxy in _proxies)
            proxy.Dispose();
        await _schema.DisposeAsync();
    }

    [Fact]
    public async Task Silo_KilledWithRunsUnderWay_AllEndElsewhereAndEachEffectHappensOnce()
    {
        (SiloProcess first, _) = await TwoSilosAsync();
        RunHandle[] runs = await BeginAsync();

        first.Kill();
        await EndAsync(runs);

        await CheckJournalsAsync(runs);
        Assert.Equal((EffectsOf(runs), EffectsOf(runs)), await LedgerAsync());
        int taken = await TakenOverAsync(runs);
        Assert.NotEqual(0, taken);
        output.WriteLine($"Taken over: {taken} of {runs.Length} runs.");
    }

    [Fact]
    public async Task Silo_FrozenAndThawed_IsFencedAndChangesNothing()
    {
        (SiloProcess first, _) = await TwoSilosAsync();
        RunHandle[] runs = await BeginAsync();

        first.Stop();
        await EndAsync(runs);
        long before = await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.event");
        long effects = await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger");
        first.Continue();

        // Declared dead meanwhile, it ends itself; otherwise its next sign of life tells it that nothing is its own any more.
        await EventuallyAsync(async () => first.HasExited || await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.node WHERE expires_at > clock_timestamp()") == 2);
        RunHandle after = await Client.StartAsync("quick", new RunRequest("go"), Token);
        await EndAsync([after]);
        Assert.Equal(0, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE worker IS NOT NULL"));
        Assert.Equal(before, await _schema.ScalarAsync<long>($"SELECT count(*) FROM steward.event WHERE run <> (SELECT id FROM steward.run WHERE uuid = '{after.Id.Value}')"));
        await CheckJournalsAsync(runs);
        (long all, long distinct) = await LedgerAsync();
        Assert.Equal(EffectsOf(runs), distinct);
        Assert.True(all - effects <= runs.Length, $"{all - effects} effects after the thaw: more than the calls that can have been under way.");
        output.WriteLine($"Taken over: {await TakenOverAsync(runs)} of {runs.Length} runs; the zombie appended nothing, of {first.Output.Split("fenced").Length - 1} attempts that it noticed itself; {all - distinct} of its calls that were on their way at the freeze went out after it.");
    }

    /// <summary>Frozen until the others have declared it dead, and thawed while they are at work on its runs.</summary>
    [Fact]
    public async Task Silo_FrozenUntilItIsDeclaredDeadAndThawedUnderLoad_EndsItselfAndChangesNothing()
    {
        (SiloProcess first, _) = await TwoSilosAsync();
        List<RunHandle> runs = [.. await BeginAsync()];

        first.Stop();
        await LoadUntilAsync(runs, () => IsDeadAsync(first));
        long atThaw = await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger");
        DateTime thawed = await _schema.ScalarAsync<DateTime>("SELECT clock_timestamp()");
        first.Continue();
        await LoadUntilAsync(runs, () => Task.FromResult(first.HasExited));
        await EndAsync([.. runs]);

        await CheckJournalsAsync([.. runs]);
        (long all, long distinct) = await LedgerAsync();
        Assert.Equal(runs.Count * ScriptedAgents.Steps, distinct);
        Assert.Equal(0, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE worker IS NOT NULL"));

        // It could append nothing after the thaw: each of its runs had been claimed by the other, under a later epoch. What went out of it then are calls that were under way.
        string zombie = $":{first.Port}@";
        foreach (RunHandle run in runs)
        {
            List<RunClaimed> claims = (await _schema.EventsAsync(run.Id)).OfType<RunClaimed>().ToList();
            Assert.True(claims.Count == 1 || !claims[^1].Worker.Contains(zombie, StringComparison.Ordinal), $"{run.Id} went back to the silo that was declared dead.");
        }

        Assert.InRange(all - distinct, 0, Runs);
        Assert.NotEqual(0, await TakenOverAsync([.. runs]));
        output.WriteLine($"{runs.Count} runs, {distinct} effects, {all - distinct} twice (calls that were on their way at the freeze); {await TakenOverAsync([.. runs])} runs taken over, {atThaw} effects at the thaw ({thawed:T}); the silo noticed {first.Output.Split("fenced").Length - 1} refused appends and ended itself.");
    }

    /// <summary>Fault N3: the two cannot hear each other, in both directions or one, and both reach the database. None is declared dead.</summary>
    [Theory]
    [InlineData(true, true, false)]
    [InlineData(true, false, true)]
    public async Task Silos_WhoseMessagesAreLostForAWhile_EachEffectHappensOnceAndAllRunsEnd(bool toSecond, bool toFirst, bool late)
    {
        (SiloProxy one, SiloProxy two) = await TwoPartedSilosAsync(missedProbes: 100);
        List<RunHandle> runs = [.. await BeginAsync()];

        two.Part(inward: toSecond, outward: toFirst);
        one.Part(inward: toFirst, outward: toSecond);
        long began = TimeProvider.System.GetTimestamp();
        await LoadUntilAsync(runs, () => Task.FromResult(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(10)));
        RunHandle told = await Client.StartAsync("waiter", new RunRequest("go"), Token);
        await EventuallyAsync(async () => await told.GetInfoAsync(Token) is { Status: RunStatus.Awaiting, Worker: null });
        await told.SignalAsync("go", cancellationToken: Token);
        await EndAsync([told]);
        one.Heal(late);
        two.Heal(late);
        await LoadUntilAsync(runs, () => Task.FromResult(TimeProvider.System.GetElapsedTime(began) > TimeSpan.FromSeconds(13)));
        await EndAsync([.. runs]);

        await CheckJournalsAsync([.. runs]);
        int notPlaced = _silos.Sum(s => s.Output.Split("Orleans did not place it").Length - 1);
        Assert.True(notPlaced > 0, "No message was missed.");
        Assert.All(_silos, s => Assert.False(s.HasExited));
        long effects = runs.Count * ScriptedAgents.Steps;
        Assert.Equal((effects, effects), await LedgerAsync());
        output.WriteLine($"{runs.Count} runs, {effects} effects, each once; what was held back {(late ? "came late" : "was lost")}; {notPlaced} runs were claimed without Orleans; {await TakenOverAsync([.. runs])} runs had two workers.");
    }

    /// <summary>Fault N3, until one of the two declares the other dead: that one ends itself, and the other goes on with its runs.</summary>
    [Fact]
    public async Task Silos_WhoseMessagesAreLostUntilOneIsDeclaredDead_EachEffectHappensOnceAndAllRunsEnd()
    {
        (SiloProxy one, SiloProxy two) = await TwoPartedSilosAsync(missedProbes: 3);
        List<RunHandle> runs = [.. await BeginAsync()];

        one.Part(inward: true, outward: true);
        two.Part(inward: true, outward: true);
        await LoadUntilAsync(runs, () => Task.FromResult(_silos.Count(s => s.HasExited) == 1));
        await EndAsync([.. runs]);

        await CheckJournalsAsync([.. runs]);
        Assert.Equal(1, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.silo WHERE status = 'Active'"));
        long effects = runs.Count * ScriptedAgents.Steps;
        Assert.Equal((effects, effects), await LedgerAsync());
        output.WriteLine($"{runs.Count} runs, {effects} effects, each once; {await TakenOverAsync([.. runs])} runs taken over from the silo that was declared dead; {_silos.Sum(s => s.Output.Split("Orleans did not place it").Length - 1)} were claimed without Orleans.");
    }

    [Fact]
    public async Task Silos_RestartedOneAfterTheOther_AllRunsEndAndEachEffectHappensOnce()
    {
        (SiloProcess first, SiloProcess second) = await TwoSilosAsync();
        RunHandle[] runs = await BeginAsync();

        Assert.Equal(0, await first.TerminateAsync());
        await SiloAsync();
        Assert.Equal(0, await second.TerminateAsync());
        await SiloAsync();
        await EndAsync(runs);

        await CheckJournalsAsync(runs);
        Assert.Equal((EffectsOf(runs), EffectsOf(runs)), await LedgerAsync());
    }

    private IStewardClient Client => _client.Services.GetRequiredService<IStewardClient>();

    private async Task<(SiloProcess First, SiloProcess Second)> TwoSilosAsync()
    {
        SiloProcess first = await SiloAsync(), second = await SiloAsync();
        _client = TestSilo.BuildClient(_schema.ConnectionString, _schema.Name);
        await _client.StartAsync(Token);
        return (first, second);
    }

    private async Task<(SiloProxy First, SiloProxy Second)> TwoPartedSilosAsync(int missedProbes)
    {
        _proxies.AddRange([new SiloProxy(), new SiloProxy()]);
        foreach (SiloProxy proxy in _proxies)
            await SiloAsync(proxy, missedProbes);
        _client = TestSilo.BuildClient(_schema.ConnectionString, _schema.Name);
        await _client.StartAsync(Token);
        return (_proxies[0], _proxies[1]);
    }

    private Task<bool> IsDeadAsync(SiloProcess silo) => _schema.ScalarAsync<bool>($"SELECT EXISTS (SELECT 1 FROM steward.silo WHERE status = 'Dead' AND silo LIKE '%:{silo.Port}@%')");

    /// <summary>Starts a few runs after another until something is so.</summary>
    private async Task LoadUntilAsync(List<RunHandle> runs, Func<Task<bool>> condition) => await EventuallyAsync(async () =>
    {
        if (await condition())
            return true;
        runs.AddRange(await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Client.StartAsync("stepper", new RunRequest("go"), Token))));
        await Task.Delay(500, Token);
        return false;
    });

    private async Task<SiloProcess> SiloAsync(SiloProxy? proxy = null, int missedProbes = 3)
    {
        SiloProcess silo = await SiloProcess.StartAsync(_schema, leaseSeconds: 3, proxy, missedProbes);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Starts the runs and waits until both silos are in the middle of several of them.</summary>
    private async Task<RunHandle[]> BeginAsync()
    {
        List<RunHandle> runs = [.. await Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => Client.StartAsync("stepper", new RunRequest("go"), Token)))];
        await LoadUntilAsync(runs, async () => await _schema.ScalarAsync<long>(
            "SELECT count(*) FROM (SELECT worker FROM steward.run WHERE worker IS NOT NULL AND head > 8 GROUP BY worker HAVING count(*) >= 3) AS busy") == 2);
        return [.. runs];
    }

    private static long EffectsOf(RunHandle[] runs) => runs.Length * ScriptedAgents.Steps;

    private static async Task EndAsync(RunHandle[] runs)
    {
        RunResult[] results = await Task.WhenAll(runs.Select(r => r.WaitAsync(Token))).WaitAsync(s_bound, Token);
        Assert.All(results, r => Assert.Equal((RunStatus.Completed, "done"), (r.Status, r.Output)));
    }

    /// <summary>Reading checks the chain; epochs only grow, and each call has one result.</summary>
    private async Task CheckJournalsAsync(RunHandle[] runs)
    {
        foreach (RunHandle run in runs)
        {
            List<RunEvent> events = await _schema.EventsAsync(run.Id);
            Assert.Equal(events.Count, (await run.GetStateAsync(Token)).Sequence);
            long[] epochs = [.. events.OfType<RunClaimed>().Select(c => c.Epoch)];
            Assert.Equal(epochs.Order().Distinct(), epochs);
            Assert.Equal(ScriptedAgents.Steps, events.Count(e => e is ToolReturned or ToolResolved { Outcome: EffectOutcome.Happened }));
        }
    }

    private async Task<(long All, long Distinct)> LedgerAsync() =>
        (await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger"), await _schema.ScalarAsync<long>("SELECT count(DISTINCT key) FROM steward.ledger"));

    private async Task<int> TakenOverAsync(RunHandle[] runs)
    {
        int taken = 0;
        foreach (RunHandle run in runs)
            taken += (await _schema.EventsAsync(run.Id)).OfType<RunClaimed>().Select(c => c.Worker).Distinct().Count() > 1 ? 1 : 0;
        return taken;
    }

    private static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < s_bound, "It did not come about.");
            await Task.Delay(50, Token);
        }
    }
}
