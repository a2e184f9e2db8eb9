using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>Nothing starts between the commit of a kill switch and its release.</summary>
internal static class SwitchRule
{
    public const string Name = "switch";
    private static readonly string[] s_starts = ["model.started", "tool.started", "child.started"];

    public static IEnumerable<Finding> Check(Case all)
    {
        ILookup<Guid, Entry> runs = all.Runs;
        foreach (SwitchedOff off in all.Switches)
        {
            foreach (RunRow row in all.Journal.Runs.Where(r => Covers(off, r)))
            {
                foreach (Entry entry in runs[row.Run].Where(e => s_starts.Contains(e.Type) && Committed(e) > off.From && Committed(e) < off.To))
                    yield return new Finding(Name, $"{entry.Type} at {entry.Sequence} was committed {Committed(entry) - off.From} µs after the switch {off.Scope}", row.Run);
            }
        }
    }

    public static bool Covers(SwitchedOff off, RunRow row) =>
        off.Scope == "global" || off.Scope == $"tenant:{row.Tenant}" || off.Scope == $"agent:{row.Agent}" || off.Scope == $"run:{row.Run:n}" || row.Ancestors.Any(a => off.Scope == $"run:{a:n}");

    private static long Committed(Entry entry) => entry.CommittedAt ?? entry.Time * 1_000;
}
