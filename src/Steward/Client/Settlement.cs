using Steward.Journal;
using Steward.Storage;

namespace Steward.Client;

/// <summary>A run as a waiting caller sees it: its row, and the switch that is engaged over it where nobody works on it.</summary>
internal sealed record RunLook(RunInfo Info, KillSwitch? Held)
{
    /// <summary>Whether a switch decides if the run goes on: nobody works on it, and it has not ended.</summary>
    public static bool CanBeHeld(RunInfo info) => info.Worker is null && !info.Status.IsTerminal();

    public static RunLook Of(RunInfo info, IReadOnlyList<KillSwitch> engaged) =>
        new(info, CanBeHeld(info) ? engaged.FirstOrDefault(s => s.Covers(info)) : null);

    /// <summary>Runs as they stand; the switches are asked for only where one could hold a run.</summary>
    public static async ValueTask<List<RunLook>> FindAsync(IStewardStore store, RunQuery query, CancellationToken cancellationToken)
    {
        IReadOnlyList<RunInfo> found = await store.FindAsync(query, cancellationToken);
        IReadOnlyList<KillSwitch> engaged = found.Any(CanBeHeld) ? await store.SwitchesAsync(cancellationToken) : [];
        return [.. found.Select(info => Of(info, engaged))];
    }
}

/// <summary>Whether a run goes on by itself, or has ended or waits for somebody.</summary>
/// <remarks>What the row says may be out of date the moment an answer was sent, so the open questions and the inbox decide.</remarks>
internal static class Settlement
{
    /// <summary>So many descendants are looked at.</summary>
    private const int MostDescendants = 1_000;

    public static async ValueTask<bool> HasSettledAsync(IStewardStore store, RunLook look, CancellationToken cancellationToken)
    {
        if (look.Info.Status.IsTerminal())
            return true;
        if (look.Info.Reason != Reasons.Children || look.Info.Status != RunStatus.Awaiting || look.Held is not null)
            return await WaitsAsync(store, look, cancellationToken);

        // It goes on when its children have ended, unless one of them waits for somebody.
        Queue<RunId> family = new([look.Info.Run]);
        int seen = 0;
        while (seen < MostDescendants && family.TryDequeue(out RunId parent))
        {
            RunQuery children = new() { Parent = parent, Statuses = StatusRules.Living, Limit = MostDescendants };
            foreach (RunLook child in await RunLook.FindAsync(store, children, cancellationToken))
            {
                seen++;
                if (await WaitsAsync(store, child, cancellationToken))
                    return true;
                family.Enqueue(child.Info.Run);
            }
        }

        return false;
    }

    private static async ValueTask<bool> WaitsAsync(IStewardStore store, RunLook look, CancellationToken cancellationToken)
    {
        if (look.Held is not null)
            return true;
        if (look.Info is not { Status: RunStatus.Awaiting, Worker: null })
            return false;
        return look.Info.Reason switch
        {
            Reasons.Children or Reasons.Timer or Reasons.KillSwitch => false,
            Reasons.Signal => await HasReadAllAsync(store, look.Info, cancellationToken),
            Reasons.Approval or Reasons.PlanApproval or Reasons.UserInput or Reasons.HandOff or Reasons.OutcomeUnknown =>
                (await store.QuestionsAsync(new QuestionQuery { Run = look.Info.Run, Limit = 1 }, cancellationToken)).Count > 0
                && await HasReadAllAsync(store, look.Info, cancellationToken),
            _ => true,
        };
    }

    /// <summary>Whether nothing was sent to the run that it has yet to read: a cancel, a message.</summary>
    /// <remarks>An inbox is also empty because somebody read it just now: then the run has moved on from what was seen of it.</remarks>
    private static async ValueTask<bool> HasReadAllAsync(IStewardStore store, RunInfo seen, CancellationToken cancellationToken) =>
        (await store.InboxAsync(seen.Run, cancellationToken)).Count == 0
        && await store.FindAsync(new RunQuery { Runs = [seen.Run], Limit = 1 }, cancellationToken) is [var now]
        && now.Sequence == seen.Sequence
        && now.Worker is null;
}
