using System.Collections.Concurrent;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>How far the journals of runs were acknowledged to this process. A process that saw the database go forwards notices when it
/// went backwards.</summary>
/// <remarks>
/// A failover to a standby that lacked the last commits, or a restored backup, leaves journals that are sound but too short. The
/// world then holds effects that they do not record. Nothing in such a database says so. A claim tells it to the worker, which
/// asks a person; until then nobody reads such a journal here as if it were whole. Runs that have ended are remembered too:
/// where the end was lost, they are due again. Another process, and this one once it is started again, takes what it finds.
/// </remarks>
internal sealed class AcknowledgedHeads
{
    /// <summary>Bounds the memory; what is not remembered is not noticed.</summary>
    private const int MostLiving = 200_000;
    private const int MostEnded = 50_000;

    private readonly ConcurrentDictionary<RunId, Head> _heads = new();
    private readonly ConcurrentQueue<RunId> _ended = new();
    private int _count; // To ask the dictionary would take all of its locks, at every commit.

    /// <summary>What was committed is how far the journal goes now, whatever was known before.</summary>
    public void Keep(RunBatch batch)
    {
        RunId run = batch.Lease.Run;
        bool ends = batch.Status.IsTerminal();
        if (batch.Entries.Count == 0 || (!ends && Volatile.Read(ref _count) >= MostLiving + MostEnded && !_heads.ContainsKey(run)))
            return;
        Head head = new(batch.Entries[^1].Sequence, batch.Lease.Epoch, ends, IsTold: false);
        if (_heads.TryAdd(run, head))
            Interlocked.Increment(ref _count);
        else
            _heads[run] = head;
        if (!ends)
            return;
        _ended.Enqueue(run);
        if (_ended.Count > MostEnded
            && _ended.TryDequeue(out RunId oldest)
            && _heads.TryGetValue(oldest, out Head? old)
            && old.HasEnded
            && _heads.TryRemove(oldest, out _))
            Interlocked.Decrement(ref _count);
    }

    /// <summary>What is known of a run up to now: ask before reading, for while one reads others append.</summary>
    public Head? Of(RunId run) => _heads.GetValueOrDefault(run);

    /// <summary>Tells a claim when its run's journal was acknowledged further than it goes. A journal that goes at least as far, with no
    /// other node between, is not doubted.</summary>
    public Claim Tell(Claim claim)
    {
        if (_heads.GetValueOrDefault(claim.Lease.Run) is not { } head)
            return claim;
        if (head.Sequence <= claim.Info.Sequence)
            return claim with { IsDoubted = claim.IsDoubted && head.Epoch != claim.Lease.Epoch - 1 };
        _heads[claim.Lease.Run] = head with { IsTold = true };
        return claim with { Acknowledged = head.Sequence };
    }

    /// <summary>Whether a journal that ends there ends before what was acknowledged, and nobody was told.</summary>
    public static bool IsShort(long sequence, Head? known) => known is { IsTold: false } && sequence < known.Sequence;

    public static JournalException ErrorOf(RunId run, long sequence, Head known) => new(
        $"The journal of run {run} ends at sequence {sequence}, but {known.Sequence} was acknowledged to this process: the database went backwards (a failover that lost commits, or an older backup). Restore what is missing; or look at what the run did since then, and answer the question that it asks once it is claimed.")
    {
        Run = run,
        Sequence = sequence + 1,
    };

    /// <param name="Sequence">How far the journal was acknowledged.</param>
    /// <param name="Epoch">Under which epoch.</param>
    /// <param name="HasEnded">Whether that was its end.</param>
    /// <param name="IsTold">Whether a worker was told that it goes less far now.</param>
    internal sealed record Head(long Sequence, long Epoch, bool HasEnded, bool IsTold);
}
