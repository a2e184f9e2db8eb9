using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>A run whose start was acknowledged is there, and has ended, or waits for something that a person or the world can still bring.</summary>
internal static class LostRule
{
    public const string Name = "lost";
    private static readonly string[] s_ends = ["run.completed", "run.failed", "run.cancelled"];

    public static IEnumerable<Finding> Check(Case all)
    {
        ILookup<Guid, Entry> runs = all.Runs;
        Dictionary<Guid, RunRow> rows = all.Journal.Runs.ToDictionary(r => r.Run);
        foreach (StartedRun started in all.Started.Where(s => !rows.ContainsKey(s.Run)))
            yield return new Finding(Name, "its start was acknowledged, and it is not there", started.Run);
        foreach (RunRow row in all.Journal.Runs)
        {
            Entry? end = runs[row.Run].FirstOrDefault(e => s_ends.Contains(e.Type));
            if (row.HasEnded != end is not null)
                yield return new Finding(Name, $"its row says {row.Status}, its journal {(end is null ? "no end" : end.Type)}", row.Run);
            if (!row.HasEnded && !IsSwitchedOff(all, row))
                yield return new Finding(Name, $"it has not ended: {row.Status} ({row.Reason})", row.Run);
            if (end is not null && runs[row.Run].Last() is var last && last.Sequence != end.Sequence)
                yield return new Finding(Name, $"something ({last.Type}) comes after its end at {end.Sequence}", row.Run);
            if (row.HasEnded && end is not null && end.Type != $"run.{row.Status}")
                yield return new Finding(Name, $"its row says {row.Status}, its journal {end.Type}", row.Run);
        }
    }

    private static bool IsSwitchedOff(Case all, RunRow row) => all.Switches.Any(s => s.To == long.MaxValue && SwitchRule.Covers(s, row));
}
