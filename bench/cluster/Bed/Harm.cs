using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Rules;

namespace Steward.ClusterBench.Bed;

/// <summary>What a fault destroyed: the runs whose entries in the database are fewer than, or different from, what was committed.</summary>
/// <param name="At">When, in microseconds since 1970.</param>
/// <param name="Runs">The runs.</param>
/// <param name="Unheard">Those among them whose lost entries nobody had heard of: their node died between the commit and its answer. The store cannot tell them from the others.</param>
internal sealed record Harm(long At, IReadOnlySet<Guid> Runs, IReadOnlySet<Guid> Unheard)
{
    /// <summary>The rule's name in findings.</summary>
    public const string WentOn = "went-on";

    /// <param name="found">What was found after the fault.</param>
    /// <param name="committed">For each run the latest head that was committed, as the file beside the database says; a node is told of a commit only after it was written down there.</param>
    /// <param name="at">When the fault was.</param>
    public static Harm Of(Case found, IReadOnlyDictionary<Guid, (long Sequence, byte[] Hash)> committed, long at)
    {
        HashSet<Guid> heard = [.. ((IEnumerable<Finding>)[.. DurabilityRule.Check(found), .. SequenceRule.Check(found)]).Select(f => f.Run!.Value)];
        Dictionary<(Guid, long), byte[]> there = found.Journal.Entries.ToDictionary(e => (e.Run, e.Sequence), e => e.Hash);
        HashSet<Guid> unheard = [.. committed.Where(c => !there.TryGetValue((c.Key, c.Value.Sequence), out byte[]? hash) || !hash.AsSpan(0, 16).SequenceEqual(c.Value.Hash)).Select(c => c.Key).Except(heard)];
        return new Harm(at, heard.Union(unheard).ToHashSet(), unheard);
    }

    /// <summary>Runs that were hit and went on all the same: nothing may be called on what is known to be incomplete.</summary>
    public IEnumerable<Finding> Check(Case found) =>
        from line in found.Ledger
        where line.IsCall && line.At > At + 1_000_000 && Runs.Contains(line.Run)
        select new Finding(WentOn, $"'{line.Tool}' was called although what was committed of the run is not there", line.Run);
}
