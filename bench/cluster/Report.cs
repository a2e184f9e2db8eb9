using Steward.ClusterBench.Scenarios;

namespace Steward.ClusterBench;

/// <summary>The table.</summary>
internal static class Report
{
    public static void PrintList(TextWriter to)
    {
        foreach (Scenario scenario in Catalogue.All)
            to.WriteLine($"{scenario.Name,-18} {scenario.Codes,-8} {(scenario.IsQuick ? "quick" : ""),-6} {scenario.What}");
    }

    public static void Print(IReadOnlyList<Row> rows, int seed, TextWriter to)
    {
        to.WriteLine("| Scenario | Fault | What happens | Faults | Runs | Effects | Duplicates | Asked | Lost | Fenced appends | Budget breaches | Takeover | Time | Verdict |");
        to.WriteLine("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|");
        foreach (Row row in rows)
            to.WriteLine(row.Skip is null ? Played(row) : $"| `{row.Scenario.Name}` | {row.Scenario.Codes} | {row.Scenario.What} |  |  |  |  |  |  |  |  |  |  | {row.Verdict} |");
        to.WriteLine();
        to.WriteLine($"Seed {seed}. {rows.Count(r => r is { Skip: null, IsBroken: false })} kept, {rows.Count(r => r.IsBroken)} broken, {rows.Count(r => r.Skip is not null)} skipped.");
        foreach (Row row in rows.Where(r => r.IsBroken))
        {
            to.WriteLine();
            to.WriteLine(row);
        }
    }

    private static string Played(Row r) => string.Join(" | ", [
        $"| `{r.Scenario.Name}`", r.Scenario.Codes, r.Scenario.What, $"{r.Faults}", $"{r.Runs}", $"{r.Effects}",
        r.Allowed == 0 ? $"{r.Beyond}" : $"{r.Beyond - r.Allowed}; {r.Allowed} on a person's word",
        $"{r.Words}",
        Lost(r),
        r.ZombieCalls == 0 ? $"{r.Fenced}" : $"{r.Fenced}; {r.ZombieCalls} late calls",
        $"{r.Breaches}",
        r.Takeover is [] ? "" : $"{r.Takeover[r.Takeover.Count / 2]:0.0} s, last {r.Takeover[^1]:0.0} s ({r.Takeover.Count} runs)",
        $"{r.Took.TotalSeconds:0} s", $"{r.Verdict} |"]);

    /// <summary>What the fault itself destroyed is no broken promise; that it was noticed is the promise.</summary>
    private static string Lost(Row r) =>
        r.Scenario.Destroys ? $"0; {r.Refused} runs that the fault hit: named, refused{(r.Unheard > 0 ? $" ({r.Unheard} of them with a last commit that nobody had heard of)" : "")}"
        : r.LostEntries > 0 ? $"{r.LostRuns}; {r.LostEntries} entries, with the old primary"
        : $"{r.LostRuns}";
}
