using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Puts a run away whose journal is not genuine.</summary>
/// <remarks>
/// Nothing is appended to a damaged chain: only the run's row says that it waits, and why. The first claims let their lease run out.
/// Another worker may be able to read what this one cannot (a newer version's events, a disk that comes back). After
/// as many claims as any run gets, it is given back with nothing to wake it but a signal or a switch.
/// Signals that it has not read do not wake it over and over: somebody looks once an hour.
/// </remarks>
internal sealed class DamagedRuns(IStewardStore store, int maxAttempts, TimeProvider time, ILogger logger)
{
    /// <summary>Why such a run waits, in its row.</summary>
    public const string Reason = Reasons.JournalDamaged;

    private static readonly TimeSpan s_look = TimeSpan.FromHours(1);

    public async Task<RunExit> PutAwayAsync(Claim claim, JournalException damage)
    {
        bool wasPutAway = claim.Attempt == 1 && claim.Info.Reason == Reason;
        bool isLast = claim.Attempt > maxAttempts || wasPutAway;
        bool isWanted = isLast && (await store.InboxAsync(claim.Lease.Run)).Count > 0;
        var batch = new RunBatch
        {
            Lease = claim.Lease,
            ExpectedSequence = claim.Info.Sequence,
            Status = RunStatus.Awaiting,
            Reason = Reason,
            Release = isLast ? new RunRelease(isWanted ? time.GetUtcNow() + s_look : null) { LeavesSignals = true } : null,
        };
        if (await store.AppendAsync(batch) is not AppendResult.Committed)
            return RunExit.Lost;
        if (isLast)
            Log.DamagedRunPutAway(logger, claim.Lease.Run, claim.Attempt, damage);
        else
            Log.RunDamaged(logger, claim.Lease.Run, claim.Attempt, damage);
        return RunExit.Parked;
    }
}
