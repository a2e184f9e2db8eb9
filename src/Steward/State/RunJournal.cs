using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>Reads a run's journal, checks that it is genuine, and folds it.</summary>
public static class RunJournal
{
    /// <summary>Folds a run's whole journal, checking the chain and that every request can be rebuilt.</summary>
    /// <exception cref="JournalException">The journal is not genuine, or cannot be folded; run and sequence are named.</exception>
    public static async ValueTask<RunState> LoadAsync(IRunStore store, RunId run, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        RunState state = RunState.Empty(run);
        await foreach (JournalEntry entry in store.ReadAsync(run, 0, cancellationToken))
            state = Fold(state, entry);
        return state;
    }

    /// <summary>Folds the journal of a claimed run, from its snapshot where
    /// there is a good one; it must reach as far as the claim says.</summary>
    /// <remarks>The chain is checked from its first entry all the same: a
    /// snapshot saves reading events, not noticing that one was edited.</remarks>
    internal static async ValueTask<RunState> LoadAsync(IRunStore store, Claim claim)
    {
        RunId run = claim.Lease.Run;
        RunState state = claim switch
        {
            { Journal: { } journal } => journal.Aggregate(RunState.Empty(run), Fold),
            { Snapshot: { } snapshot } => await LoadAsync(store, run, snapshot),
            _ => await LoadAsync(store, run, CancellationToken.None),
        };
        return state.Sequence >= claim.Info.Sequence
            ? state
            : throw JournalException.WentBackwards(run, claim.Info.Sequence, state.Sequence);
    }

    private static async ValueTask<RunState> LoadAsync(IRunStore store, RunId run, RunSnapshot snapshot)
    {
        // The state is read beside the check of the chain that it has to stand on.
        Task<RunState?> reading = Task.Run(() => Snapshots.Read(run, snapshot));
        List<JournalEntry> after = [];
        ReadOnlyMemory<byte> head = JournalEntry.Origin;
        ReadOnlyMemory<byte> headAtSnapshot = default;
        long sequence = 0;
        await foreach (JournalEntry entry in store.ReadAsync(run, 0))
        {
            if (entry.Sequence != ++sequence)
                throw JournalException.Gap(run, sequence, entry.Sequence);
            entry.Verify(head);
            head = entry.Hash;
            if (entry.Sequence == snapshot.Sequence)
                headAtSnapshot = head;
            else if (entry.Sequence > snapshot.Sequence)
                after.Add(entry);
        }

        RunState? state = await reading;
        if (state is null || !state.Head.Span.SequenceEqual(headAtSnapshot.Span))
            return await LoadAsync(store, run, CancellationToken.None);
        foreach (JournalEntry entry in after)
            state = FoldVerified(state, entry);
        return state;
    }

    /// <summary>Checks one entry against the state before it, and folds it in.</summary>
    public static RunState Fold(RunState state, JournalEntry entry)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(entry);
        entry.Verify(state.Head);
        return FoldVerified(state, entry);
    }

    private static RunState FoldVerified(RunState state, JournalEntry entry)
    {
        try
        {
            // What a fork copied bears its origin's hashes, which are over another run's definition.
            if (entry.Event is ModelStarted intent && !state.IsCopied(entry.Sequence))
                RequestHash.Verify(state, intent);
            return state.Apply(entry);
        }
        catch (Exception e) when (e is not OutOfMemoryException && e is not JournalException { Run: not null })
        {
            // The fold is pure: what it throws now it throws for ever, and nobody but an operator can help.
            throw JournalException.Unfoldable(entry.Run, entry.Sequence, entry.Type, e);
        }
    }
}
