using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterBench.Bed;

/// <summary>A fault's time in microseconds since 1970, and the runs that its victim had in hand.</summary>
internal sealed record Takeover(long At, IReadOnlyList<Guid> Runs)
{
    /// <summary>How long it took until each of those runs was claimed under a later epoch; those that never were are left out.</summary>
    public IReadOnlyList<double> Seconds(JournalEvidence journal)
    {
        ILookup<Guid, Entry> claims = journal.Entries.Where(e => e.Type == "run.claimed" && e.Time * 1_000 > At).ToLookup(e => e.Run);
        return [.. Runs.Where(claims.Contains).Select(run => (claims[run].First().Time - (At / 1_000)) / 1_000.0).Order()];
    }
}
