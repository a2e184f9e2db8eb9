using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>Reads whole journals.</summary>
internal static class Recordings
{
    /// <summary>A run's journal, checked as it is read.</summary>
    /// <exception cref="StewardException">There is no such run.</exception>
    /// <exception cref="JournalException">The journal is not genuine.</exception>
    public static async Task<Recording> ReadAsync(IRunStore store, RunId run, CancellationToken cancellationToken)
    {
        List<JournalEntry> entries = [];
        RunState state = RunState.Empty(run);
        await foreach (JournalEntry entry in store.ReadAsync(run, 0, cancellationToken))
        {
            state = RunJournal.Fold(state, entry);
            entries.Add(entry);
        }

        return entries.Count > 0 ? new Recording(entries, state) : throw new StewardException($"There is no run {run}.");
    }
}

/// <summary>A journal and the state that it folds to.</summary>
internal sealed record Recording(IReadOnlyList<JournalEntry> Entries, RunState State)
{
    public RunId Run => State.Run;
}
