using Steward.Sqlite;

namespace Steward.Bench;

/// <summary>A durable run on SQLite FULL beside a bare loop that commits intents and results itself.</summary>
internal static class DurableBench
{
    private const int Steps = 50;

    public static async Task RunAsync(Report report, bool quick)
    {
        Workload work = new(Steps, resultLength: 2_000);
        CannedModel model = new(work);
        using Scratch scratch = new();
        await using SqliteStewardStore store = await Scratch.OpenAsync(scratch.NewFile());
        await using BenchHost host = await BenchHost.StartAsync(store, work, model);
        using BareJournal bare = new(scratch.NewFile());
        List<BareEntry[]> groups = await BareJournal.GroupsOfAsync(store, await host.RunAsync());
        Check(groups);

        (int warmUps, int rounds) = quick ? (2, 9) : (6, 61);
        Duel grouped = await Duel.FightAsync(warmUps, rounds, () => StewardAsync(host), () => BareAsync(model, work, bare, groups));
        report.Add(
            $"Durable step, SQLite FULL; the bare loop commits a result with the next intent (2 commits a step)",
            Report.Times(grouped).Steward,
            Report.Times(grouped).Bare,
            $"{grouped.Ratio.Median:0.00}×",
            $"{grouped.Ratio.Range("0.00")}×",
            "≤ 1.3×",
            grouped.Ratio.Median <= 1.3);

        Duel simple = await Duel.FightAsync(1, rounds, () => StewardAsync(host), () => BareAsync(model, work, bare, groups, each: true));
        report.Add(
            "Durable step, SQLite FULL; the bare loop commits every intent and every result (4 commits a step)",
            Report.Times(simple).Steward,
            Report.Times(simple).Bare,
            $"{simple.Ratio.Median:0.00}×",
            $"{simple.Ratio.Range("0.00")}×");
    }

    private static Task<Cost> StewardAsync(BenchHost host) => Cost.OfAsync(Steps, () => host.RunAsync());

    private static Task<Cost> BareAsync(CannedModel model, Workload work, BareJournal journal, List<BareEntry[]> groups, bool each = false) => Cost.OfAsync(Steps, async () =>
    {
        long run = journal.StartRun(), head = 0;
        int at = 0;
        await BareLoop.RunAsync(model, work, () =>
        {
            BareEntry[] group = groups[at++];
            if (!each)
            {
                journal.AppendAndCommit(run, ref head, group);
                return;
            }

            for (int i = 0; i < group.Length; i++)
                journal.AppendAndCommit(run, ref head, group.AsSpan(i, 1));
        });
    });

    /// <summary>The groups must be those of the bare loop: a commit before each model and tool call, and one at the end.</summary>
    private static void Check(List<BareEntry[]> groups)
    {
        if (groups.Count != (2 * Steps) + 2)
            throw new InvalidOperationException($"The run made {groups.Count} commits; {(2 * Steps) + 2} were expected.");
    }
}
