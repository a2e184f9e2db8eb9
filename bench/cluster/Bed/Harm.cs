using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Rules;

namespace Steward.ClusterBench.Bed;

/// <summary>What a fault destroyed: the runs of which the database holds less than was acknowledged, or something else.</summary>
/// <param name="At">When, in microseconds since 1970.</param>
/// <param name="Runs">The runs.</param>
internal sealed record Harm(long At, IReadOnlySet<Guid> Runs)
{
    /// <summary>The rule's name in findings.</summary>
    public const string WentOn = "went-on";

    public static Harm Of(Case found, long at) => new(
        at,
        ((IEnumerable<Finding>)[.. DurabilityRule.Check(found), .. SequenceRule.Check(found)]).Select(f => f.Run!.Value).ToHashSet());

    /// <summary>Runs that were hit and went on all the same: nothing may be called on what is known to be incomplete.</summary>
    public IEnumerable<Finding> Check(Case found) =>
        from line in found.Ledger
        where line.IsCall && line.At > At + 1_000_000 && Runs.Contains(line.Run)
        select new Finding(WentOn, $"'{line.Tool}' was called although what was acknowledged of the run is not there", line.Run);
}
