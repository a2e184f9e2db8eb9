using Steward.Models;
using Steward.Storage;

namespace Steward.Runs;

/// <summary>Reads a run's journal, checks that it is genuine, and folds it.</summary>
public static class RunJournal
{
    /// <summary>Folds a run's whole journal, checking the chain and that every request can be rebuilt.</summary>
    /// <exception cref="JournalException">The journal is not genuine; run and sequence are named.</exception>
    public static async ValueTask<RunState> LoadAsync(IRunStore store, RunId run, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        RunState state = RunState.Empty(run);
        await foreach (JournalEntry entry in store.ReadAsync(run, 0, cancellationToken))
            state = Fold(state, entry);
        return state;
    }

    /// <summary>Folds the journal of a claimed run; it must reach as far as the claim says.</summary>
    internal static async ValueTask<RunState> LoadAsync(IRunStore store, Claim claim)
    {
        RunState state = await LoadAsync(store, claim.Lease.Run);
        return state.Sequence >= claim.Info.Sequence
            ? state
            : throw JournalException.WentBackwards(state.Run, claim.Info.Sequence, state.Sequence);
    }

    /// <summary>Checks one entry against the state before it, and folds it in.</summary>
    public static RunState Fold(RunState state, JournalEntry entry)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(entry);
        entry.Verify(state.Head);
        if (entry.Event is ModelStarted intent)
            RequestBuilder.Verify(state, intent);
        return state.Apply(entry);
    }
}
