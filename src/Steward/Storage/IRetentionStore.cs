using Steward.Journal;

namespace Steward.Storage;

/// <summary>A store that can forget runs which ended long ago.</summary>
/// <remarks>
/// A run goes with its whole family: a root (nobody's child) and all its descendants. A family goes only when every one of them
/// has ended and none has changed since the retention began. So nothing that lives ever loses a relative.
/// </remarks>
public interface IRetentionStore
{
    /// <summary>The families that may be deleted at this moment, oldest root
    /// first. Changes nothing, and others may go on meanwhile.</summary>
    IAsyncEnumerable<EndedFamily> EndedAsync(RetentionQuery query, CancellationToken cancellationToken = default);

    /// <summary>Deletes families in one transaction, with all that is theirs alone: journals, signals,
    /// questions, feedback, snapshots, their budgets, and those of sessions that have no run left.</summary>
    /// <remarks>Each is looked at once more inside that transaction. Their keys become
    /// free. What they spent stays counted on agent, tenant and the whole.</remarks>
    /// <param name="roots">The families' roots; as many as one transaction should carry.</param>
    /// <param name="olderThan">For how long a family must have been at rest, by the store's clock.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    /// <returns>The roots whose families this call deleted: not those that are gone already, live, or ended too recently.</returns>
    ValueTask<IReadOnlyList<RunId>> PruneAsync(
        IReadOnlyCollection<RunId> roots,
        TimeSpan olderThan,
        CancellationToken cancellationToken = default);

    /// <summary>Deletes blobs that no run has named for <see cref="BlobSweep.Grace"/>: that a sweep
    /// before that, and this one, found unnamed, and nobody has kept again between.</summary>
    /// <remarks>Reads everything that the store holds, while others go on.</remarks>
    /// <param name="apply">Otherwise it only says what would go, and changes nothing.</param>
    /// <param name="cancellationToken">Cancels it; what is deleted by then stays deleted.</param>
    ValueTask<BlobSweep> SweepBlobsAsync(bool apply, CancellationToken cancellationToken = default);
}

/// <summary>Which families of ended runs to find.</summary>
/// <param name="OlderThan">None of their runs has changed for that long, by the store's clock.</param>
public sealed record RetentionQuery(TimeSpan OlderThan)
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(36_500);

    /// <summary>Only families whose root is a run of this agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Only families whose root is a run of this tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>Checks a retention: above nothing, and no longer than a hundred years.</summary>
    /// <exception cref="ArgumentOutOfRangeException">It is not.</exception>
    public static void Check(TimeSpan olderThan)
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(olderThan, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(olderThan, s_longest);
    }
}

/// <summary>A root and all its descendants, every one of them ended.</summary>
/// <param name="Runs">The runs, the root first.</param>
/// <param name="Bytes">Bytes of the payloads in the rows of their journals; what lies in blobs is not counted.</param>
public sealed record EndedFamily(IReadOnlyList<EndedRun> Runs, long Bytes)
{
    /// <summary>The root run.</summary>
    public RunId Root => Runs[0].Run;

    /// <summary>How many entries their journals have.</summary>
    public long Events => Runs.Sum(run => run.Sequence);
}

/// <summary>A run that has ended.</summary>
/// <param name="Run">The run.</param>
/// <param name="Sequence">The last sequence of its journal.</param>
public readonly record struct EndedRun(RunId Run, long Sequence);
