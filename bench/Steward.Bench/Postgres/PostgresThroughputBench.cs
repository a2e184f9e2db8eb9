using Steward.Postgres;
using Steward.Tests.Shared;

namespace Steward.Bench;

/// <summary>Durable steps of concurrent runs on PostgreSQL, beside a bare group-commit writer on the same server; with one run, the bare writer is a bare durable loop.</summary>
internal static class PostgresThroughputBench
{
    public static async Task RunAsync(Report report, PostgresServer server, bool quick)
    {
        foreach (int runs in (int[])[1, 16, 128, 1_024])
            await ConcurrentAsync(report, server, runs, quick);
    }

    private static async Task ConcurrentAsync(Report report, PostgresServer server, int runs, bool quick)
    {
        int steps = Math.Max(4, (quick ? 400 : 4_000) / runs);
        Workload work = new(steps, resultLength: 2_000);
        await using PostgresStewardStore store = await PostgresBench.OpenAsync(server);
        await using BenchHost host = await BenchHost.StartAsync(store, work, concurrency: runs);
        await using BarePostgresWriter bare = await BarePostgresWriter.OpenAsync(server.ConnectionString);
        List<BareEntry[]> groups = await BareJournal.GroupsOfAsync(store, await host.RunAsync());
        int records = groups.Sum(g => g.Length);

        Duel duel = await Duel.FightAsync(
            warmUps: 1,
            rounds: quick ? 3 : 5,
            () => Cost.OfAsync(runs * records, () => Task.WhenAll(Enumerable.Range(0, runs).Select(_ => host.RunAsync()))),
            () => Cost.OfAsync(runs * records, async () =>
            {
                BareRun[] journals = await Task.WhenAll(Enumerable.Range(0, runs).Select(_ => bare.StartRunAsync()));
                await Task.WhenAll(journals.Select(run => Task.Run(async () =>
                {
                    foreach (BareEntry[] group in groups)
                        await bare.AppendAsync(run, group);
                })));
            }));
        double share = 1 / duel.Ratio.Median;
        report.Add(
            $"PostgreSQL: durable steps, {runs:#,0} concurrent run{(runs == 1 ? "" : "s")}",
            $"{1e6 / duel.Steward.Median / records * steps:#,0} steps/s, {1e6 / duel.Steward.Median:#,0} records/s (own CPU {duel.StewardCpu.Median:0} µs each)",
            $"{1e6 / duel.Bare.Median:#,0} records/s (own CPU {duel.BareCpu.Median:0} µs each)",
            runs == 1 ? $"{duel.Ratio.Median:0.00}× the time of a step" : $"{share:0%}",
            runs == 1 ? $"{duel.Ratio.Min:0.00}–{duel.Ratio.Max:0.00}×" : $"{1 / duel.Ratio.Max:0%}–{1 / duel.Ratio.Min:0%}",
            runs == 1 ? "≤ 1.3×" : "≥ 60 %",
            runs == 1 ? duel.Ratio.Median <= 1.3 : share >= 0.6);
    }
}
