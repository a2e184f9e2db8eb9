using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Journal;
using Steward.OrleansHost;

namespace Steward.Orleans.Tests;

/// <summary>Two silos in processes of their own, and what tests of their faults share. The tool is unsafe and has a probe; its ledger takes every call.</summary>
public abstract class SiloFaults : IAsyncLifetime
{
    protected const int Runs = 24;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(120);
    private readonly List<SiloProcess> _silos = [];
    private IHost _client = null!;

    protected static CancellationToken Token => TestContext.Current.CancellationToken;

    private protected ClusterSchema Schema { get; private set; } = null!;

    private protected IReadOnlyList<SiloProcess> Silos => _silos;

    public async ValueTask InitializeAsync() => Schema = await ClusterSchema.CreateAsync();

    public async ValueTask DisposeAsync()
    {
        if (_client is not null)
        {
            await _client.StopAsync(CancellationToken.None);
            _client.Dispose();
        }

        foreach (SiloProcess silo in _silos)
            silo.Dispose();
        AfterSilos();
        await Schema.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected virtual void AfterSilos()
    {
    }

    protected IStewardClient Client => _client.Services.GetRequiredService<IStewardClient>();

    private protected async Task<(SiloProcess First, SiloProcess Second)> TwoSilosAsync()
    {
        SiloProcess first = await SiloAsync(), second = await SiloAsync();
        await ConnectAsync();
        return (first, second);
    }

    /// <summary>Starts the client, once there is a silo.</summary>
    protected async Task ConnectAsync()
    {
        _client = TestSilo.BuildClient(Schema.ConnectionString, Schema.Name);
        await _client.StartAsync(Token);
    }

    private protected Task<bool> IsDeadAsync(SiloProcess silo) => Schema.ScalarAsync<bool>($"SELECT EXISTS (SELECT 1 FROM steward.silo WHERE status = 'Dead' AND silo LIKE '%:{silo.Port}@%')");

    /// <summary>Starts a few runs after another until something is so.</summary>
    protected async Task LoadUntilAsync(List<RunHandle> runs, Func<Task<bool>> condition) => await EventuallyAsync(async () =>
    {
        if (await condition())
            return true;
        runs.AddRange(await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => Client.StartAsync("stepper", new RunRequest("go"), Token))));
        await Task.Delay(500, Token);
        return false;
    });

    private protected async Task<SiloProcess> SiloAsync(SiloProxy? proxy = null, int missedProbes = 3)
    {
        SiloProcess silo = await SiloProcess.StartAsync(Schema, leaseSeconds: 3, proxy, missedProbes);
        _silos.Add(silo);
        return silo;
    }

    /// <summary>Starts the runs and waits until both silos are in the middle of several of them.</summary>
    protected async Task<RunHandle[]> BeginAsync()
    {
        List<RunHandle> runs = [.. await Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => Client.StartAsync("stepper", new RunRequest("go"), Token)))];
        await LoadUntilAsync(runs, async () => await Schema.ScalarAsync<long>(
            "SELECT count(*) FROM (SELECT worker FROM steward.run WHERE worker IS NOT NULL AND head > 8 GROUP BY worker HAVING count(*) >= 3) AS busy") == 2);
        return [.. runs];
    }

    protected static long EffectsOf(RunHandle[] runs) => runs.Length * ScriptedAgents.Steps;

    protected static async Task EndAsync(RunHandle[] runs)
    {
        RunResult[] results = await Task.WhenAll(runs.Select(r => r.WaitAsync(Token))).WaitAsync(s_bound, Token);
        Assert.All(results, r => Assert.Equal((RunStatus.Completed, "done"), (r.Status, r.Output)));
    }

    /// <summary>Reading checks the chain; epochs only grow, and each call has one result.</summary>
    protected async Task CheckJournalsAsync(RunHandle[] runs)
    {
        foreach (RunHandle run in runs)
        {
            List<RunEvent> events = await Schema.EventsAsync(run.Id);
            Assert.Equal(events.Count, (await run.GetStateAsync(Token)).Sequence);
            long[] epochs = [.. events.OfType<RunClaimed>().Select(c => c.Epoch)];
            Assert.Equal(epochs.Order().Distinct(), epochs);
            Assert.Equal(ScriptedAgents.Steps, events.Count(e => e is ToolReturned or ToolResolved { Outcome: EffectOutcome.Happened }));
        }
    }

    protected async Task<(long All, long Distinct)> LedgerAsync() =>
        (await Schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger"), await Schema.ScalarAsync<long>("SELECT count(DISTINCT key) FROM steward.ledger"));

    protected async Task<int> TakenOverAsync(RunHandle[] runs)
    {
        int taken = 0;
        foreach (RunHandle run in runs)
            taken += (await Schema.EventsAsync(run.Id)).OfType<RunClaimed>().Select(c => c.Worker).Distinct().Count() > 1 ? 1 : 0;
        return taken;
    }

    protected static async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            Assert.True(TimeProvider.System.GetElapsedTime(began) < s_bound, "It did not come about.");
            await Task.Delay(50, Token);
        }
    }
}
