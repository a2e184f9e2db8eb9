using Microsoft.Extensions.Logging;
using Steward.Diagnostics;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Hosting;

/// <summary>Puts a run away whose journal is not genuine.</summary>
/// <remarks>
/// Nothing is appended to a damaged chain: only the run's row says that it waits, and why. The first claims let their lease run out,
/// because another worker may be able to read what this one cannot (a newer version's events, a disk that comes back). After
/// as many claims as any run gets, it is given back with nothing to wake it but a signal or a switch.
/// A store makes a run with unread signals claimable as soon as it is given back, so such a run is held instead: a look an hour, not a loop.
/// </remarks>
internal sealed class DamagedRuns(IStewardStore store, int maxAttempts, ILogger logger)
{
    /// <summary>Why such a run waits, in its row.</summary>
    public const string Reason = "journal_damaged";

    private static readonly TimeSpan s_hold = TimeSpan.FromHours(1);

    public async Task<RunExit> PutAwayAsync(Claim claim, JournalException damage)
    {
        bool isLast = claim.Attempt > maxAttempts;
        bool isHeld = isLast && (await store.InboxAsync(claim.Lease.Run)).Count > 0;
        var batch = new RunBatch
        {
            Lease = claim.Lease,
            ExpectedSequence = claim.Info.Sequence,
            Status = RunStatus.Awaiting,
            Reason = DamagedRuns.Reason,
            Release = isLast && !isHeld ? new RunRelease(null) : null,
        };
        if (await store.AppendAsync(batch) is not AppendResult.Committed)
            return RunExit.Lost;
        if (isHeld)
            await store.RenewAsync(claim.Lease, s_hold);
        if (isLast)
            Log.DamagedRunPutAway(logger, claim.Lease.Run, claim.Attempt, damage);
        else
            Log.RunDamaged(logger, claim.Lease.Run, claim.Attempt, damage);
        return RunExit.Parked;
    }
}
