using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Journal;
using Steward.OrleansHost;
using Steward.Postgres;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Orleans.Tests;

/// <summary>A cluster reaches its database as its store does: behind a pooler, and over a failover. The models are scripted.</summary>
public sealed class DatabaseTests(ITestOutputHelper output) : IAsyncLifetime
{
    private const int Runs = 16;
    private static readonly TimeSpan s_bound = TimeSpan.FromSeconds(60);
    private readonly List<IHost> _hosts = [];
    private ClusterSchema? _schema;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        if (_schema is not null)
            await _schema.DisposeAsync();
    }

    [Fact]
    public async Task Silos_BehindAPooler_WorkOnEachRunOnceAndRouteSignals()
    {
        Requirement.PgBouncer();
        using var pooler = new PgBouncer(Requirement.Postgres(), sessions: 3);
        PostgresStoreOptions Store(PostgresStoreOptions o) => o with { ConnectionString = pooler.ConnectionString, Pooled = true };
        _schema = await ClusterSchema.CreateAsync(change: Store);
        IHost[] silos = [await SiloAsync(Store), await SiloAsync(Store)];

        await EndAsync(await BeginAsync(silos[0], "stepper"));

        Assert.Equal(Runs * ScriptedAgents.Steps, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger"));
        Assert.Equal(2, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.silo WHERE status = 'Active'"));
        RunHandle run = await Client(silos[0]).StartAsync("waiter", new RunRequest("go"), Token);
        await EventuallyAsync(async () => await run.GetInfoAsync(Token) is { Status: RunStatus.Awaiting, Worker: null });
        await Client(silos[1]).Get(run.Id).SignalAsync("go", cancellationToken: Token);
        await EndAsync([run]);
        Assert.InRange(await _schema.ScalarAsync<long>($"SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%\"{_schema.Name}\".%' AND pid <> pg_backend_pid()"), 1, 3);
        await StopAsync(); // While the pooler is there.
    }

    [Fact]
    public async Task Silos_OverAFailover_StayAClusterAndGoOn()
    {
        Requirement.Postgres();
        var primary = PostgresServer.StartOwn();
        PostgresServer standby = primary.StartStandby();
        string hosts = PostgresServer.Hosts(primary, standby);
        PostgresStoreOptions Store(PostgresStoreOptions o) => o with { ConnectionString = hosts };
        try
        {
            _schema = await ClusterSchema.CreateAsync(primary, Store);
            IHost[] silos = [await SiloAsync(Store, hosts), await SiloAsync(Store, hosts)];
            RunHandle[] before = await BeginAsync(silos[0], "sleeper");
            await EventuallyAsync(async () => await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.event WHERE type = 'tool.started'") == before.Length);
            await EventuallyAsync(async () => await _schema.ScalarAsync<bool>("SELECT replay_lsn = pg_current_wal_lsn() FROM pg_stat_replication"));

            primary.Die();
            standby.Promote();
            _schema = _schema.On(standby);
            await EventuallyAsync(async () => await TryAsync(async () => (await _schema.Store.FindAsync(new RunQuery(), Token)).Count == before.Length));

            // Signs of life go on in the new primary's list, new runs end, and a switch reaches the calls that were in flight all the while.
            DateTime since = DateTime.SpecifyKind(await _schema.ScalarAsync<DateTime>("SELECT clock_timestamp()"), DateTimeKind.Utc);
            await EventuallyAsync(async () => await _schema.ScalarAsync<long>($"SELECT count(*) FROM steward.silo WHERE status = 'Active' AND alive_at > '{since:o}'") == 2);
            RunHandle[] after = await BeginAsync(silos[1], "quick");
            await EndAsync(after);
            await Client(silos[1]).EngageAsync(new KillSwitch("agent:sleeper", "the test", null, TimeProvider.System.GetUtcNow()), Token);
            await EventuallyAsync(async () => (await _schema.Store.FindAsync(new RunQuery { Statuses = [RunStatus.Awaiting] }, Token)).Count(r => r.Reason == "kill_switch") == before.Length);
            output.WriteLine($"{before.Length} calls in flight over the failover, then cut off by a switch; {after.Length} runs after it ended.");
        }
        finally
        {
            await StopAsync();
            _schema = null;
            standby.Stop();
            primary.Stop();
        }
    }

    private static IStewardClient Client(IHost host) => host.Services.GetRequiredService<IStewardClient>();

    private static Task<RunHandle[]> BeginAsync(IHost silo, string agent) =>
        Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => Client(silo).StartAsync(agent, new RunRequest("go"), Token)));

    private static async Task EndAsync(RunHandle[] runs)
    {
        RunResult[] results = await Task.WhenAll(runs.Select(r => r.WaitAsync(Token))).WaitAsync(s_bound, Token);
        Assert.All(results, r => Assert.Equal((RunStatus.Completed, "done"), (r.Status, r.Output)));
    }

    private static async Task<bool> TryAsync(Func<Task<bool>> condition)
    {
        try
        {
            return await condition();
        }
        catch (StoreException)
        {
            return false; // The database is away.
        }
    }

    private async Task EventuallyAsync(Func<Task<bool>> condition)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(began) > s_bound)
                Assert.Fail($"It did not come about. {string.Join(", ", (await _schema!.Store.FindAsync(new RunQuery(), Token)).CountBy(r => $"{r.Status} ({r.Reason}) of {r.Worker ?? "nobody"}"))}");
            await Task.Delay(50, Token);
        }
    }

    private async Task StopAsync()
    {
        foreach (IHost host in Enumerable.Reverse(_hosts))
        {
            await host.StopAsync(CancellationToken.None);
            host.Dispose();
        }

        _hosts.Clear();
    }

    private async Task<IHost> SiloAsync(Func<PostgresStoreOptions, PostgresStoreOptions> store, string? ledger = null)
    {
        (int silo, int gateway) = Ports.Next();
        IHost host = TestSilo.Build(ledger ?? _schema!.ConnectionString, _schema!.Name, silo, gateway, o => o.DrainGrace = TimeSpan.FromMilliseconds(200), notify: false, store: store);
        _hosts.Add(host);
        await host.StartAsync(Token);
        return host;
    }
}
