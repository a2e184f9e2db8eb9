using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Puts a run away whose journal is not genuine or cannot be folded, and ends it when somebody cancels it.</summary>
/// <remarks>
/// A run that is put away stands in the lists as any other: only its row says that it waits, and why. The first claims let their lease run
/// out, because another worker may be able to read what this one cannot (a newer version's events, a disk that comes back). After
/// as many claims as any run gets, it is given back with nothing to wake it but a signal or a switch.
/// Signals that it has not read do not wake it over and over: somebody looks once an hour.
/// A cancel needs no state, so it is carried out at once, from the row alone.
/// </remarks>
internal sealed class DamagedRuns(IStewardStore store, int maxAttempts, TimeProvider time, ILogger logger)
{
    /// <summary>Why such a run waits, in its row.</summary>
    public const string Reason = Reasons.JournalDamaged;

    private const int MostChildren = 10_000;
    private static readonly TimeSpan s_look = TimeSpan.FromHours(1);

    public async Task<RunExit> PutAwayAsync(Claim claim, JournalException damage)
    {
        IReadOnlyList<Signal> inbox = await store.InboxAsync(claim.Lease.Run);
        if (inbox.FirstOrDefault(signal => signal.Body is CancelSignal) is { } cancel)
            return await EndAsync(claim, cancel, damage);
        bool wasPutAway = claim.Attempt == 1 && claim.Info.Reason == Reason;
        bool isLast = claim.Attempt > maxAttempts || wasPutAway;
        var batch = new RunBatch
        {
            Lease = claim.Lease,
            ExpectedSequence = claim.Info.Sequence,
            Status = RunStatus.Awaiting,
            Reason = Reason,
            Release = isLast ? new RunRelease(inbox.Count > 0 ? time.GetUtcNow() + s_look : null) { LeavesSignals = true } : null,
        };
        if (await store.AppendAsync(batch) is not AppendResult.Committed)
            return RunExit.Lost;
        if (isLast)
            Log.DamagedRunPutAway(logger, claim.Lease.Run, claim.Attempt, damage);
        else
            Log.RunDamaged(logger, claim.Lease.Run, claim.Attempt, damage);
        return RunExit.Parked;
    }

    /// <summary>
    /// Ends the run as cancelled. Where its chain is genuine, the cancel is the journal's last word; nothing is appended to a chain that is
    /// not, and its row alone says that it has ended. Its children are told to stop, its parent is told that it did.
    /// </summary>
    private async Task<RunExit> EndAsync(Claim claim, Signal signal, JournalException damage)
    {
        var cancel = (CancelSignal)signal.Body;
        RunInfo info = claim.Info;
        ReadOnlyMemory<byte>? head = await HeadAsync(info);
        var batch = new RunBatch
        {
            Lease = claim.Lease,
            ExpectedSequence = info.Sequence,
            Entries = head is { } genuine ? Entries(info, genuine, signal.Id, cancel) : [],
            Budget = Settle(info),
            Consumes = head is null ? [] : [signal.Id],
            Status = RunStatus.Cancelled,
            Reason = Reasons.Cancelled,
            Sends = [.. await CancelsAsync(info), .. Report(info, cancel)],
        };
        if (await store.AppendAsync(batch) is not AppendResult.Committed)
            return RunExit.Lost;
        Log.DamagedRunCancelled(logger, info.Run, cancel.By, damage);
        return RunExit.Ended;
    }

    /// <summary>The hash at the end of the chain; null when the chain is not genuine up to where the row says that it ends.</summary>
    private async Task<ReadOnlyMemory<byte>?> HeadAsync(RunInfo info)
    {
        ReadOnlyMemory<byte> head = JournalEntry.Origin;
        long sequence = 0;
        try
        {
            await foreach (JournalEntry entry in store.ReadAsync(info.Run))
            {
                if (entry.Sequence != ++sequence)
                    return null;
                entry.Verify(head);
                head = entry.Hash;
            }
        }
        catch (Exception e) when (e is JournalException or StoreException { Failure: StoreFailure.Corrupt })
        {
            return null;
        }

        return sequence == info.Sequence ? head : null;
    }

    private JournalEntry[] Entries(RunInfo info, ReadOnlyMemory<byte> head, string signal, CancelSignal cancel)
    {
        RunEvent[] events =
        [
            new CancelRequested(signal, cancel.By, cancel.Reason),
            new StateChanged(info.Status, RunStatus.Cancelled, Reasons.Cancelled),
            new RunCancelled(cancel.By, cancel.Reason, null),
        ];
        var entries = new JournalEntry[events.Length];
        for (int i = 0; i < events.Length; i++)
        {
            entries[i] = JournalEntry.Create(info.Run, info.Sequence + i + 1, head, events[i], time.GetUtcNow());
            head = entries[i].Hash;
        }

        return entries;
    }

    /// <summary>What is in flight is of unknown outcome, so it is charged whole, on the day of the run's last commit.</summary>
    private static BudgetChange[] Settle(RunInfo info) => info.Reserved == BudgetAmount.Zero
        ? []
        : [new BudgetChange(DateOnly.FromDateTime(info.UpdatedAt.UtcDateTime), info.Reserved, info.Reserved, BudgetAmount.Zero)];

    private async Task<IEnumerable<Signal>> CancelsAsync(RunInfo info)
    {
        RunQuery children = new() { Parent = info.Run, Statuses = StatusRules.Living, Limit = MostChildren };
        return (await store.FindAsync(children)).Select(child => new Signal(
            $"cancel:{info.Run}",
            child.Run,
            new CancelSignal($"run:{info.Run}", $"The run that started it has ended ({Reasons.Cancelled}).")));
    }

    private static Signal[] Report(RunInfo info, CancelSignal cancel) => info.Ancestors is not [var parent, ..]
        ? []
        : [new Signal(
            $"child:{info.Run}",
            parent,
            new ChildSignal(
                info.Run,
                RunStatus.Cancelled,
                null,
                $"cancelled by {cancel.By}{(cancel.Reason is null ? "" : $": {cancel.Reason}")}",
                info.Spent + info.Reserved))];
}
