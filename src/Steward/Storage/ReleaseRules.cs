using Steward.Journal;

namespace Steward.Storage;

/// <summary>The rules of how a run goes on after an append, is given back, and wakes; apart from any database.</summary>
public static class ReleaseRules
{
    /// <summary>A run after a batch that the gate let through.</summary>
    /// <param name="run">The run before it.</param>
    /// <param name="batch">The batch.</param>
    /// <param name="pending">Whether the run's inbox holds something.</param>
    /// <param name="now">The store's time.</param>
    public static RunRecord After(RunRecord run, RunBatch batch, bool pending, DateTimeOffset now)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(batch);
        bool givesBack = GivesBack(batch);
        return run with
        {
            AgentVersion = VersionAfter(run, batch),
            Status = batch.Status,
            Reason = batch.Reason,
            Head = batch.ExpectedSequence + batch.Entries.Count,
            HeadHash = batch.Entries is [.., JournalEntry last] ? last.Hash : run.HeadHash,
            UpdatedAt = now,
            Attempts = givesBack || batch.Progress ? 0 : run.Attempts,
            Worker = givesBack ? null : run.Worker,
            ClaimableAt = !givesBack ? run.ClaimableAt
                : batch.Status.IsTerminal() ? null
                : pending && WakesForSignals(batch) ? now
                : batch.Release?.WakeAt,
        };
    }

    /// <summary>Whether a batch gives its run's lease back.</summary>
    public static bool GivesBack(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Release is not null || batch.Status.IsTerminal();
    }

    /// <summary>Whether a batch gives its run back so that signals in the inbox make it claimable at once.</summary>
    public static bool WakesForSignals(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return batch.Release is { LeavesSignals: false } && !batch.Status.IsTerminal();
    }

    /// <summary>
    /// Whether a signal makes a run claimable. One that waits for its turn in a session takes notice of nothing before, but of a cancel.
    /// </summary>
    public static bool Wakes(RunRecord run, Signal signal)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(signal);
        return run.Worker is null && (!run.Queued || signal.Body is CancelSignal);
    }

    /// <summary>
    /// Whether the release of a switch makes a run claimable. A run that parked because of it waits for nothing else, and one
    /// that waits for more parks again.
    /// </summary>
    public static bool Wakes(RunRecord run, KillSwitch released)
    {
        ArgumentNullException.ThrowIfNull(run);
        ArgumentNullException.ThrowIfNull(released);
        return run is { Worker: null, ClaimableAt: null, Queued: false }
            && !run.Status.IsTerminal()
            && released.Covers(run.Run, run.Tenant, run.Agent, run.Ancestors);
    }

    private static string VersionAfter(RunRecord run, RunBatch batch)
    {
        for (int i = batch.Entries.Count - 1; i >= 0; i--)
        {
            if (batch.Entries[i].Event is RunMigrated moved)
                return moved.AgentVersion;
        }

        return run.AgentVersion;
    }
}
