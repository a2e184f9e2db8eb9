using Npgsql;
using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Faults;
using Steward.ClusterBench.Load;
using Steward.ClusterChecker.Rules;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Scenarios;

/// <summary>A PostgreSQL server, or what stands before it, that fails.</summary>
internal static class DatabaseFaults
{
    private const int Runs = 24;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        new("backends-die", "D3", "all sessions are terminated ten times in a row", BackendsDieAsync),
        new("server-dies", "D4", "the server dies in the middle of commits (pg_ctl -m immediate), three times", ServerDiesAsync) { IsQuick = true },
        new("failover", "D5", "the primary dies, a standby that lacks its last commits takes over; the node that saw them lives", FailoverAsync)
        {
            Database = static _ => new FailoverDatabase(isSynchronous: false),
            Tolerates = [DurabilityRule.Name, EffectRule.Intent],
        },
        new("failover-newcomers", "D5", "the same, and the node that saw them is gone as well; others come", FailoverNewcomersAsync)
        {
            Database = static _ => new FailoverDatabase(isSynchronous: false),
            Tolerates = [DurabilityRule.Name, EffectRule.Intent],
            Demands = static (bed, found) => Asked.EachThatLost(found, bed.FailedOverAt ?? 0),
        },
        new("failover-sync", "D5", "the same with synchronous replication, and nodes that are told so (LosslessFailover): no run asks", FailoverSyncAsync)
        {
            Database = static _ => new FailoverDatabase(isSynchronous: true),
            Demands = static (_, found) => Asked.Nobody(found),
        },
        new("deadlocks", "D6", "somebody takes locks in the wrong order all the time (40P01)", DeadlocksAsync),
        new("small-pool", "D7", "two nodes of 24 runs at once have two connections each", SmallPoolAsync),
        new("read-only", "D8", "the database is read-only for two seconds", ReadOnlyAsync),
        new("pooler", "D9", "PgBouncer in transaction mode stands between; it dies twice", PoolerAsync) { Missing = Needs.Pooler },
    ];

    private static async Task BackendsDieAsync(TestBed bed)
    {
        await StartAsync(bed);
        for (int i = 0; i < 10; i++)
        {
            bed.Faults += (int)await bed.Postgres.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
            await Task.Delay(bed.Random.Next(100, 500));
        }
    }

    private static async Task ServerDiesAsync(TestBed bed)
    {
        await StartAsync(bed);
        for (; bed.Faults < 3; bed.Faults++)
        {
            await bed.EffectsAsync(bed.Effects + 25);
            bed.Postgres.Server.Crash();
        }
    }

    private static async Task FailoverAsync(TestBed bed)
    {
        // One node, which saw what is lost.
        await LoseCommitsAsync(bed);
        FailOver(bed);
    }

    private static async Task FailoverNewcomersAsync(TestBed bed)
    {
        Child witness = await LoseCommitsAsync(bed);
        await bed.Load.WithoutStoreAsync(() =>
        {
            witness.Kill();
            FailOver(bed);
            return Task.CompletedTask;
        });
        await bed.StartNodeAsync();
        await bed.StartNodeAsync();
    }

    private static async Task FailoverSyncAsync(TestBed bed)
    {
        await StartAsync(bed);
        await bed.EffectsAsync(40);
        FailOver(bed);
    }

    /// <summary>A node at work, and a standby that lacks what it did last.</summary>
    private static async Task<Child> LoseCommitsAsync(TestBed bed)
    {
        Child node = await bed.StartNodeAsync();
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(30);
        await ((FailoverDatabase)bed.Database).CutOffAsync();
        await bed.EffectsAsync(bed.Effects + 20);
        return node;
    }

    private static void FailOver(TestBed bed)
    {
        ((FailoverDatabase)bed.Database).FailOver();
        bed.FailedOverAt = Clock.Now;
        bed.Faults++;
    }

    private static async Task DeadlocksAsync(TestBed bed)
    {
        await StartAsync(bed);
        await using (var adversary = new LockThief(bed.Postgres.Direct, bed.Random))
            await TestBed.UntilAsync(async () => await DeadlocksAsync(bed.Postgres) >= 5 || (await bed.Load.LivingAsync()).Count == 0, "five deadlocks");
        bed.Faults = (int)await DeadlocksAsync(bed.Postgres);
    }

    private static async Task SmallPoolAsync(TestBed bed)
    {
        for (int i = 0; i < 2; i++)
        {
            var options = bed.NodeOptions();
            await bed.StartNodeAsync(options with { Store = new NpgsqlConnectionStringBuilder(options.Store) { MaxPoolSize = 2, Timeout = 2 }.ConnectionString, Concurrency = 24 });
        }

        await bed.Load.StartRunsAsync(2 * Runs, Mix.Of);
        bed.Faults++;
    }

    private static async Task ReadOnlyAsync(TestBed bed)
    {
        await StartAsync(bed);
        await bed.EffectsAsync(30);
        await TurnAsync("ALTER DATABASE postgres SET default_transaction_read_only = on");
        await Task.Delay(TimeSpan.FromSeconds(2));
        await TurnAsync("ALTER DATABASE postgres RESET default_transaction_read_only");
        bed.Faults++;

        async Task TurnAsync(string sql)
        {
            await bed.Postgres.ScalarAsync<object>(sql);
            await bed.Postgres.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'");
        }
    }

    private static async Task PoolerAsync(TestBed bed)
    {
        using PgBouncer pooler = new(bed.Postgres.Server, sessions: 4);
        for (int i = 0; i < 2; i++)
            await bed.StartNodeAsync(bed.NodeOptions() with { Store = pooler.ConnectionString, IsPooled = true });
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        for (; bed.Faults < 2; bed.Faults++)
        {
            await bed.EffectsAsync(bed.Effects + 30);
            pooler.Crash();
        }

        await bed.Load.AllEndAsync();
    }

    private static async Task StartAsync(TestBed bed)
    {
        await bed.StartNodeAsync();
        await bed.StartNodeAsync();
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
    }

    private static Task<long> DeadlocksAsync(PostgresDatabase database) => database.ScalarAsync<long>("SELECT sum(deadlocks)::bigint FROM pg_stat_database");
}
