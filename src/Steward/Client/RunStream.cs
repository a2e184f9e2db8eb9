using System.Runtime.CompilerServices;
using System.Text;
using Steward.Journal;

namespace Steward.Client;

/// <summary>Merges a run's journal, which is complete, with what is heard of it live, which is not.</summary>
/// <remarks>
/// Text is given between the entry that starts its attempt and the entry that ends it, and nowhere else. Text that is heard early waits
/// for its entry. Where the answer is read before its last text is heard, the rest comes from the answer, so that the pieces add up to it.
/// </remarks>
internal sealed class RunStream
{
    private readonly StringBuilder _text = new();
    private (int Turn, int Attempt) _latest;
    private bool _isOpen;

    /// <param name="journal">The journal, at the latest from the entry that
    /// starts the attempt which is open after <paramref name="after"/>.</param>
    /// <param name="live">What is heard of the run.</param>
    /// <param name="after">Entries up to this sequence are known to the reader.</param>
    /// <param name="cancellationToken">The reader leaves.</param>
    public async IAsyncEnumerable<RunUpdate> MergeAsync(
        IAsyncEnumerable<JournalEntry> journal,
        IAsyncEnumerable<RunUpdate> live,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken)
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
                if (Closes(entry.Event) is { } last)
                    yield return last;
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
        if (takes)
            _text.Append(text.Text);
        return takes;
    }

    /// <summary>Follows which attempt is open. What ends one in which text was
    /// heard gives the rest of the answer, or supersedes the text.</summary>
    private RunUpdate? Closes(RunEvent e)
    {
        (int Turn, int Attempt) before = _latest;
        switch (e)
        {
            case ModelStarted started:
                (_latest, _isOpen) = ((started.Turn, started.Attempt), true);
                break;
            case ModelReturned or ModelFailed or RunCompleted or RunFailed or RunCancelled:
                _isOpen = false;
                break;
            default:
                return null;
        }

        if (_text.Length == 0)
            return null;
        string heard = _text.ToString();
        _text.Clear();
        return e is ModelReturned returned && (returned.Turn, returned.Attempt) == before
            ? Rest(returned, heard)
            : new TextSuperseded(before.Turn, before.Attempt);
    }

    /// <summary>What of an answer was not heard. A reader that came amid the attempt heard no beginning, and gets no rest.</summary>
    private static TextArrived? Rest(ModelReturned returned, string heard)
    {
        string whole = string.Concat(returned.Content.OfType<TextPart>().Select(t => t.Text));
        return whole.Length > heard.Length && whole.StartsWith(heard, StringComparison.Ordinal)
            ? new TextArrived(returned.Turn, returned.Attempt, whole[heard.Length..])
            : null;
    }
}
