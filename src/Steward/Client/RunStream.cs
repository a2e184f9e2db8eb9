using System.Runtime.CompilerServices;
using Steward.Journal;

namespace Steward.Client;

/// <summary>Merges a run's journal, which is complete, with what is heard of it live, which is not.</summary>
/// <remarks>
/// Text is given between the entry that starts its attempt and the entry that ends it, and nowhere else. Text that is heard early waits for its entry;
/// text that is heard late is left out, because the committed answer has it.
/// </remarks>
internal sealed class RunStream
{
    private (int Turn, int Attempt) _latest;
    private bool _isOpen;
    private bool _hasText;

    /// <param name="journal">The journal from its start: it says which attempt is open.</param>
    /// <param name="live">What is heard of the run.</param>
    /// <param name="after">Entries up to this sequence are known to the reader.</param>
    /// <param name="cancellationToken">The reader leaves.</param>
    public async IAsyncEnumerable<RunUpdate> MergeAsync(IAsyncEnumerable<JournalEntry> journal, IAsyncEnumerable<RunUpdate> live, long after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using IAsyncEnumerator<RunUpdate> updates = live.GetAsyncEnumerator(leaving.Token);
        await using IAsyncEnumerator<JournalEntry> entries = journal.GetAsyncEnumerator(leaving.Token);
        Task<bool>? heard = updates.MoveNextAsync().AsTask(); // Before the journal is read: what is said meanwhile is kept.
        Task<bool> read = entries.MoveNextAsync().AsTask();
        TextArrived? early = null;
        try
        {
            while (true)
            {
                // Text first where both are there: it was said before the commit.
                if (early is null && heard is { IsCompleted: true })
                {
                    bool goesOn = await heard;
                    RunUpdate? update = goesOn ? updates.Current : null;
                    early = update is TextArrived { } text && IsAhead(text) ? text : null;
                    if (update is UpdatesDropped || (update is TextArrived said && Takes(said)))
                        yield return update;
                    if (early is null)
                        heard = goesOn ? updates.MoveNextAsync().AsTask() : null;
                    continue;
                }

                if (!read.IsCompleted)
                {
                    await Task.WhenAny(read, early is null && heard is not null ? heard : read);
                    continue;
                }

                if (!await read)
                    yield break;
                JournalEntry entry = entries.Current;
                if (Supersedes(entry.Event) is { } superseded)
                    yield return superseded;
                if (entry.Sequence > after)
                    yield return new EntryRead(entry);
                if (early is not null && !IsAhead(early))
                {
                    if (Takes(early))
                        yield return early;
                    early = null;
                    heard = updates.MoveNextAsync().AsTask();
                }

                read = entries.MoveNextAsync().AsTask();
            }
        }
        finally
        {
            await leaving.CancelAsync();
            await ((Task)Task.WhenAll(read, heard ?? read)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private bool IsAhead(TextArrived text) => (text.Turn, text.Attempt).CompareTo(_latest) > 0;

    private bool Takes(TextArrived text)
    {
        bool takes = _isOpen && (text.Turn, text.Attempt) == _latest;
        _hasText |= takes;
        return takes;
    }

    /// <summary>Follows which attempt is open. The answer of an attempt takes the place of its text; anything else that ends it supersedes the text.</summary>
    private TextSuperseded? Supersedes(RunEvent e)
    {
        (int Turn, int Attempt) before = _latest;
        bool hadText = _hasText;
        switch (e)
        {
            case ModelStarted started:
                (_latest, _isOpen, _hasText) = ((started.Turn, started.Attempt), true, false);
                break;
            case ModelReturned returned when (returned.Turn, returned.Attempt) == _latest:
                (_isOpen, _hasText) = (false, false);
                return null;
            case ModelFailed or RunCompleted or RunFailed or RunCancelled:
                (_isOpen, _hasText) = (false, false);
                break;
            default:
                return null;
        }

        return hadText ? new TextSuperseded(before.Turn, before.Attempt) : null;
    }
}
