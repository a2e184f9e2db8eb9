using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Rules;

namespace Steward.ClusterBench.Bed;

/// <summary>Which runs have to ask a person before they go on after a failover, and which must not.</summary>
internal static class Asked
{
    /// <summary>The rule's name in findings.</summary>
    public const string Name = "asked";

    /// <summary>Where nothing was lost, no run as a whole asks; a call that was in flight may.</summary>
    public static IEnumerable<Finding> Nobody(Case found) =>
        from word in found.Words
        where word.Key.Length == 0
        select new Finding(Name, $"'{word.Question}' was asked, although nothing was lost", word.Run);

    /// <summary>A run that lost something acknowledged makes no Unsafe call after the failover before a person has spoken.</summary>
    public static IEnumerable<Finding> EachThatLost(Case found, long failedOverAt)
    {
        HashSet<Guid> lost = [.. DurabilityRule.Check(found).Select(f => f.Run!.Value)];
        if (lost.Count == 0)
            yield return new Finding(Name, "no run lost anything: the scenario shows nothing");
        foreach (IGrouping<Guid, LedgerLine> calls in found.Executions.Where(l => l.Effect == "unsafe" && l.At > failedOverAt && lost.Contains(l.Run)).GroupBy(l => l.Run))
        {
            LedgerLine first = calls.MinBy(l => l.At)!;
            if (!found.Words.Any(w => w.Run == first.Run && w.Key.Length == 0 && w.At > failedOverAt && w.At < first.At))
                yield return new Finding(Name, $"'{first.Tool}' was called {first.At - failedOverAt} µs after the failover, and nobody had been asked about what the run had lost", first.Run);
        }
    }
}
