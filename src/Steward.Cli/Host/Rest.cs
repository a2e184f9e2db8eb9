using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>Whether a run will stay as it is until somebody does something.</summary>
internal static class Rest
{
    public static async ValueTask<bool> IsAtRestAsync(
        IStewardStore store,
        RunInfo run,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        if (run.Status.IsTerminal())
            return true;
        if (run.Worker is not null || (await store.InboxAsync(run.Run, cancellationToken)).Count > 0)
            return false;
        if (run.ClaimableAt is null && !await RestAsync(store, run, now, cancellationToken))
            return false;
        if (run.ClaimableAt is not { } due)
            return true;
        // Due, but under a switch: nobody may claim it. Due later: it waits for another definition of its agent to be loaded.
        return due > now
            ? run.Status == RunStatus.Awaiting
            : (await store.SwitchesAsync(cancellationToken)).Any(s => s.Covers(run));
    }

    /// <summary>Whether all the children of a run that waits for them are at rest
    /// themselves: then nobody goes on until somebody does something.</summary>
    private static async ValueTask<bool> RestAsync(
        IStewardStore store,
        RunInfo parent,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        bool any = parent.Reason != Reasons.Children; // When all of them have ended, the parent is about to hear of it.
        RunQuery children = new() { Parent = parent.Run, Statuses = StatusRules.Living, Limit = RunFamily.Most };
        foreach (RunInfo child in await store.FindAsync(children, cancellationToken))
        {
            any = true;
            if (!await IsAtRestAsync(store, child, now, cancellationToken))
                return false;
        }

        return any;
    }
}
