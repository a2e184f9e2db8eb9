using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Hosting;
using Steward.OrleansHost;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Orleans.Tests;

/// <summary>Silos in processes of their own, killed, frozen and restarted with runs under way. The tool is unsafe and has a probe; its ledger takes every call.</summary>
public sealed class ProcessTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Runs = 24;
    private const int Effects = Runs * ScriptedAgents.Steps;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(120);
    private readonly List<SiloProcess> _silos = [];
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
        Assert.Equal((Effects, Effects), await LedgerAsync());
        output.WriteLine($"Taken over: {await TakenOverAsync(runs)} of {Runs} runs.");
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
        Assert.Equal(Effects, distinct);
        Assert.True(all - effects <= Runs, $"{all - effects} effects after the thaw: more than the calls that can have been under way.");
        output.WriteLine($"Taken over: {await TakenOverAsync(runs)} of {Runs} runs; the zombie appended nothing, of {first.Output.Split("fenced").Length - 1} attempts that it noticed itself; {all - Effects} of its calls that were on their way at the freeze went out after it.");
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
        Assert.Equal((Effects, Effects), await LedgerAsync());
    }

    private IStewardClient Client => _client.Services.GetRequiredService<IStewardClient>();

    private async Task<(SiloProcess First, SiloProcess Second)> TwoSilosAsync()
    {
        SiloProcess first = await SiloAsync(), second = await SiloAsync();
        _client = TestSilo.BuildClient(_schema.ConnectionString, _schema.Name);
        await _client.StartAsync(Token);
        return (first, second);
    }

    private async Task<SiloProcess> SiloAsync()
    {
        SiloProcess silo = await SiloProcess.StartAsync(_schema, leaseSeconds: 3);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Starts the runs and waits until both silos are at work on them.</summary>
    private async Task<RunHandle[]> BeginAsync()
    {
        RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => Client.StartAsync("stepper", new RunRequest("go"), Token)));
        await EventuallyAsync(async () => await _schema.ScalarAsync<long>("SELECT count(DISTINCT worker) FROM steward.run") == 2 && (await LedgerAsync()).All >= Runs);
        return runs;
    }

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
