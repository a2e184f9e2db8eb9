using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Retention;

/// <summary>What went, or would go.</summary>
internal sealed record PruneTotals
{
    public long Families { get; init; }
    public long Runs { get; init; }
    public long Events { get; init; }
    public long Bytes { get; init; }

    /// <summary>Roots that were kept although they are old enough, and why.</summary>
    public IReadOnlyList<(RunId Root, string Why)> Kept { get; init; } = [];

    public PruneTotals Add(EndedFamily family) => this with
    {
        Families = Families + 1,
        Runs = Runs + family.Runs.Count,
        Events = Events + family.Events,
        Bytes = Bytes + family.Bytes,
    };
}

/// <summary>Deletes old families in batches: each is archived and on the disk before the transaction that deletes it.</summary>
/// <remarks>Between two batches everything is as if the rest had not been asked for: a killed command starts again and goes on.</remarks>
internal sealed class Pruner(IRetentionStore store, JournalArchive? archive, Action<PruneTotals> progress)
{
    /// <summary>A transaction holds locks while it deletes: short for others, long enough to be worth its commit.</summary>
    private const int MostFamilies = 100;
    private const long MostEvents = 20_000;

    private readonly List<EndedFamily> _batch = [];
    private PruneTotals _totals = new();

    public async Task<PruneTotals> CountAsync(RetentionQuery query, CancellationToken cancellationToken)
    {
        await foreach (EndedFamily family in store.EndedAsync(query, cancellationToken))
            _totals = _totals.Add(family);
        return _totals;
    }

    public async Task<PruneTotals> ApplyAsync(RetentionQuery query, CancellationToken cancellationToken)
    {
        await foreach (EndedFamily family in store.EndedAsync(query, cancellationToken))
        {
            if (_batch.Count == MostFamilies || (_batch.Count > 0 && _batch.Sum(f => f.Events) + family.Events > MostEvents))
                await PruneAsync(query.OlderThan, cancellationToken);
            _batch.Add(family);
        }

        if (_batch.Count > 0)
            await PruneAsync(query.OlderThan, cancellationToken);
        return _totals;
    }

    private async Task PruneAsync(TimeSpan olderThan, CancellationToken cancellationToken)
    {
        if (archive is not null)
            await ArchiveAsync(archive, cancellationToken);
        HashSet<RunId> gone = [.. await store.PruneAsync([.. _batch.Select(family => family.Root)], olderThan, cancellationToken)];
        foreach (EndedFamily family in _batch.Where(family => gone.Contains(family.Root)))
            _totals = _totals.Add(family);
        _batch.Clear();
        progress(_totals);
    }

    /// <summary>A family whose journal is not genuine stays where it can be looked at.</summary>
    private async Task ArchiveAsync(JournalArchive into, CancellationToken cancellationToken)
    {
        foreach (EndedFamily family in _batch.ToArray())
        {
            try
            {
                await into.WriteAsync(family, cancellationToken);
            }
            catch (Exception e) when (e is JournalException or StoreException { Failure: StoreFailure.Corrupt })
            {
                _batch.Remove(family);
                _totals = _totals with { Kept = [.. _totals.Kept, (family.Root, e.Message)] };
            }
        }

        into.Flush();
    }
}
