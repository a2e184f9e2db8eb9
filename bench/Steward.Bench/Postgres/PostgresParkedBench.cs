using System.Diagnostics;
using Steward.Postgres;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Bench;

/// <summary>A database full of runs that wait: what does it cost to find the one that is due, and how soon are many that are due at once?</summary>
internal static class PostgresParkedBench
{
    public static async Task RunAsync(Report report, PostgresServer server, bool quick)
    {
        int runs = quick ? 50_000 : 1_000_000;
        await using PostgresStewardStore store = await PostgresBench.OpenAsync(server);
        await ParkAsync(server, runs, "clock_timestamp() + interval '1 day' + i * interval '1 second'");
        ClaimRequest request = new() { Worker = "bench", Duration = TimeSpan.FromMinutes(10), Agents = ["bench"] };
        Series due = new(), none = new();
        for (int i = 0; i < 1_100; i++)
        {
            long empty = Stopwatch.GetTimestamp();
            if ((await store.ClaimAsync(request)).Count > 0)
                throw new InvalidOperationException("A run is due that should not be.");
            double emptyMicros = Stopwatch.GetElapsedTime(empty).TotalMicroseconds;
            await PostgresBench.ScalarAsync<object>(server, $"UPDATE steward.run SET claimable_at = clock_timestamp() WHERE id = {1 + ((long)i * 7_919 % runs)} AND worker IS NULL");
            long start = Stopwatch.GetTimestamp();
            if ((await store.ClaimAsync(request)).Count != 1)
                throw new InvalidOperationException("The due run was not found.");
            if (i < 100)
                continue;
            due.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
            none.Add(emptyMicros);
        }

        report.Add($"PostgreSQL: {runs:#,0} parked runs with timers, 1,000 tenants: claim of the one that is due", $"p50 {Report.Micros(due.Median)}, p99 {Report.Micros(due.Percentile(0.99))}", "", $"a poll that finds none: p50 {Report.Micros(none.Median)}, p99 {Report.Micros(none.Percentile(0.99))}");
    }

    public static async Task TimersAsync(Report report, PostgresServer server, bool quick)
    {
        int runs = quick ? 1_000 : 10_000;
        await using PostgresStewardStore store = await PostgresBench.OpenAsync(server);
        foreach (int batch in (int[])[1, 16, 64])
        {
            await PostgresBench.ScalarAsync<object>(server, "TRUNCATE steward.run CASCADE");
            await ParkAsync(server, runs, "clock_timestamp() - interval '1 second'");
            HashSet<string> tenants = [];
            int tenantsAfter = 0, claimed = 0;
            long start = Stopwatch.GetTimestamp();
            await Task.WhenAll(Enumerable.Range(0, 4).Select(w => Task.Run(async () =>
            {
                while (true)
                {
                    IReadOnlyList<Claim> claims = await store.ClaimAsync(new ClaimRequest { Worker = $"w{w}", Duration = TimeSpan.FromMinutes(10), Max = batch });
                    if (claims.Count == 0 && Volatile.Read(ref claimed) >= runs)
                        return;
                    Interlocked.Add(ref claimed, claims.Count);
                    lock (tenants)
                    {
                        foreach (Claim claim in claims)
                        {
                            if (tenants.Add(claim.Info.Tenant) && tenants.Count == Math.Min(runs, 1_000))
                                tenantsAfter = claimed;
                        }
                    }
                }
            })));
            TimeSpan took = Stopwatch.GetElapsedTime(start);
            report.Add($"PostgreSQL: {runs:#,0} timers due at once, 4 workers claim {batch} at a time", $"all claimed in {took.TotalSeconds:0.00} s", "", $"{runs / took.TotalSeconds:#,0} claims/s; every tenant had its first after {tenantsAfter:#,0} claims");
        }
    }

    private static Task<object> ParkAsync(PostgresServer server, int runs, string due) => PostgresBench.ScalarAsync<object>(
        server,
        $"""
        INSERT INTO steward.run (uuid, tenant, agent, version, status, reason, head, head_hash, claimable_at, created_at, updated_at, ancestors, queued)
        SELECT gen_random_uuid(), 't' || i % 1000, 'bench', '1', 'awaiting', 'timer', 1, sha256(i::text::bytea), {due}, clock_timestamp(), clock_timestamp(), ARRAY[]::uuid[], false
        FROM generate_series(1, {runs}) AS i;
        ANALYZE steward.run;
        SELECT 1::bigint
        """);
}
