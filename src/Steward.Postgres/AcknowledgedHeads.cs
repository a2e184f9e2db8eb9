using System.Collections.Concurrent;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>How far the journals of living runs were acknowledged to this process: a database that went backwards is noticed by those who saw it go forwards.</summary>
/// <remarks>
/// A failover to a standby that lacked the last commits, or a restored backup, leaves journals that are sound but too short, and effects in the world that
/// they know nothing of. Nothing in such a database says so. Another process, and this one once it is started again, takes what it finds.
/// </remarks>
internal sealed class AcknowledgedHeads
{
    /// <summary>Bounds the memory; what is not remembered is not noticed.</summary>
    private const int Most = 200_000;

    private readonly ConcurrentDictionary<RunId, long> _heads = new();

    public void Keep(RunBatch batch)
    {
        RunId run = batch.Lease.Run;
        if (batch.Status.IsTerminal())
            _heads.TryRemove(run, out _);
        else if (batch.Entries.Count > 0 && (_heads.Count < Most || _heads.ContainsKey(run)))
            _heads.AddOrUpdate(run, batch.Entries[^1].Sequence, (_, before) => Math.Max(before, batch.Entries[^1].Sequence));
    }

    /// <summary>How far a run was acknowledged up to now: ask before reading, for while one reads others append.</summary>
    public long Of(RunId run) => _heads.GetValueOrDefault(run);

    /// <exception cref="JournalException">The journal ends before what was acknowledged.</exception>
    public static void Check(RunId run, long head, long known)
    {
        if (head < known)
        {
            throw new JournalException(
                $"The journal of run {run} ends at sequence {head}, but {known} was acknowledged to this process: the database went backwards (a failover that lost commits, or an older backup). Restore what is missing; or look at what the run did since then, and start this process again to go on from what is there.")
            {
                Run = run,
                Sequence = head + 1,
            };
        }
    }
}
