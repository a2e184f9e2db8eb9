using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Client;
using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Node;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;
using Steward.Hosting;
using Steward.Journal;
using Steward.Storage;

namespace Steward.ClusterBench.Load;

/// <summary>Starts runs, sends signals, sets ceilings and switches, and answers as the person. Works on no run itself. What is acknowledged to it, it writes down.</summary>
internal sealed class LoadGenerator : IAsyncDisposable
{
    private readonly NodeOptions _options;
    private readonly string _folder;
    private readonly HttpTools _tools;
    private IStewardStore _store;
    private ServiceProvider _services;
    private Person _person;
    private int _count;

    private LoadGenerator(NodeOptions options, string folder, IStewardStore store)
    {
        _options = options;
        _folder = folder;
        _tools = new HttpTools(options);
        _store = store;
        _services = Build(store);
        _person = new Person(store, options.Ledger, folder);
    }

    public IStewardStore Store => _store;

    private IStewardClient Client => _services.GetRequiredService<IStewardClient>();

    public static async Task<LoadGenerator> StartAsync(NodeOptions options, string folder) => new(options, folder, await NodeHost.OpenAsync(options));

    /// <summary>Starts runs. A start whose answer was lost is made again under the same key, as a caller does.</summary>
    /// <param name="count">How many.</param>
    /// <param name="planOf">Tenant and plan of each.</param>
    public async Task<IReadOnlyList<RunId>> StartRunsAsync(int count, Func<int, (string Tenant, string Plan)> planOf)
    {
        List<RunId> runs = [];
        foreach ((string tenant, string plan) in Enumerable.Range(0, count).Select(planOf))
        {
            string key = $"run-{++_count}";
            await TestBed.UntilAsync(
                async () =>
                {
                    RunHandle run = await Client.StartAsync(ClusterAgents.Worker, new RunRequest(plan) { Tenant = tenant, Key = key, Session = $"s-{key}" });
                    runs.Add(run.Id);
                    return true;
                },
                $"the start of {key}");
            Write(CaseFolder.Started, new StartedRun(runs[^1].Value, tenant, plan));
        }

        return runs;
    }

    /// <summary>Sends a signal by name. One whose answer was lost is sent again under the same id.</summary>
    public async Task SignalAsync(RunId run, string name, string id)
    {
        await TestBed.UntilAsync(
            async () =>
            {
                if (await Client.Get(run).SignalAsync(name, signalId: id) is SignalResult.Accepted or SignalResult.Duplicate)
                    Write(CaseFolder.Signals, new SentSignal(run.Value, id));
                return true;
            },
            $"the signal {id}");
    }

    public Task CeilingAsync(string tenant, decimal usd) => _store.SetCeilingsAsync(BudgetScope.ForTenant(tenant), new BudgetCeilings { Usd = usd }).AsTask();

    /// <summary>Engages a kill switch, does something meanwhile, and releases it.</summary>
    public async Task WhileSwitchedOffAsync(string scope, Func<Task> meanwhile)
    {
        await _store.EngageAsync(new KillSwitch(scope, "bench", "a drill", TimeProvider.System.GetUtcNow()));
        long from = Clock.Now;
        await meanwhile();
        Write(CaseFolder.Switches, new SwitchedOff(scope, from, Clock.Now));
        await _store.ReleaseAsync(scope);
    }

    /// <summary>The runs that a node has in hand.</summary>
    public async Task<IReadOnlyList<Guid>> HeldByAsync(string node) =>
        [.. (await _store.FindAsync(new RunQuery { Limit = 1_000, Statuses = Living })).Where(r => r.Worker == node).Select(r => r.Run.Value)];

    /// <summary>Claims all that can be claimed, holds it for a while, and does nothing with it.</summary>
    public async Task<int> StealAsync(TimeSpan time)
    {
        using NodeLog log = new(_options);
        IReadOnlyList<Claim> claims = await WatchedStore.Watch(_store, log).ClaimAsync(new ClaimRequest { Worker = "thief", Duration = time, Max = 1_000 });
        return claims.Count;
    }

    public async Task<IReadOnlyList<RunInfo>> LivingAsync() => await _store.FindAsync(new RunQuery { Limit = 1_000, Statuses = Living });

    /// <summary>The runs that the store itself calls damaged.</summary>
    public async Task<HashSet<Guid>> DamagedAsync() => [.. (await _store.GetService<IVerifiableStore>()!.VerifyAsync()).Where(p => p.Run is not null).Select(p => p.Run!.Value.Value)];

    /// <summary>Waits until every run has ended, but for some.</summary>
    public async Task AllEndAsync(IReadOnlySet<Guid>? but = null)
    {
        try
        {
            await TestBed.UntilAsync(async () => (await LivingAsync()).All(r => but?.Contains(r.Run.Value) == true), "every run has ended");
        }
        catch (TimeoutException)
        {
            // The checker names those that have not.
        }
    }

    /// <summary>From now on runs are started with agents of another version.</summary>
    public async Task UpgradeAsync(string version)
    {
        await _services.DisposeAsync();
        _services = Build(_store, version);
    }

    /// <summary>Lets go of the database while something is done to its file.</summary>
    public async Task WithoutStoreAsync(Func<Task> meanwhile)
    {
        await StopAsync();
        await meanwhile();
        _store = await NodeHost.OpenAsync(_options);
        _services = Build(_store);
        _person = new Person(_store, _options.Ledger, _folder);
    }

    /// <summary>Stops answering, and closes the store.</summary>
    public async Task StopAsync()
    {
        await _person.DisposeAsync();
        await _services.DisposeAsync();
        await _store.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _tools.Dispose();
    }

    private static RunStatus[] Living { get; } = [.. Enum.GetValues<RunStatus>().Where(s => s is not (RunStatus.Completed or RunStatus.Failed or RunStatus.Cancelled))];

    private ServiceProvider Build(IStewardStore store, string version = "1")
    {
        ServiceCollection services = new();
        services.AddLogging(l => l.SetMinimumLevel(LogLevel.None));
        services.AddSteward(o =>
            {
                o.RunWorker = false;
                o.Prices.Add(PlanModel.Price);
            })
            .UseStore(store)
            .AddModels(PlanModel.Provider, (_, _) => new PlanModel(TimeSpan.Zero))
            .AddAgents(ClusterAgents.All(version, _tools));
        return services.BuildServiceProvider();
    }

    private void Write<T>(string file, T line) => File.AppendAllText(Path.Combine(_folder, file), Lines.Write(line));
}
