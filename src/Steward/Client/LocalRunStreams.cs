using System.Collections.Concurrent;
using System.Runtime.CompilerServices;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Client;

/// <summary>The live streams of one process. A run that nobody follows costs one look into a dictionary.</summary>
/// <remarks>
/// It hears this process's worker as an observer. One poll for all followed runs finds the commits of other processes, so a stream ends
/// wherever its run ended. The text of other processes is not heard.
/// </remarks>
/// <param name="store">Says whether a run exists, and how far it is.</param>
/// <param name="poll">Asks the store about the runs that somebody follows.</param>
/// <param name="capacity">Updates that are kept for each follower.</param>
internal sealed class LocalRunStreams(IRunStore store, RunPoll poll, int capacity) : IRunStreams, IRunObserver
{
    private readonly Lock _changing = new();
    private readonly ConcurrentDictionary<RunId, UpdateQueue[]> _followers = new();

    public async IAsyncEnumerable<RunUpdate> FollowAsync(RunId run, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var queue = new UpdateQueue(capacity);
        Join(run, queue);
        using RunPoll.Waiting waiting = poll.Join(run);
        try
        {
            Task<RunLook?> polled = waiting.Next;
            Task<bool>? wait = null;
            RunInfo? info = await store.FindAsync(new RunQuery { Run = run, Limit = 1 }, cancellationToken) is [RunInfo found]
                ? found
                : null;
            long known = info?.Sequence ?? 0;
            if (info is { Status: var status } && status.IsTerminal())
                queue.Add(new EntriesCommitted(known, status));
            while (info is not null)
            {
                while (queue.TryTake(out RunUpdate? update, out int dropped))
                {
                    if (dropped > 0)
                        yield return new UpdatesDropped(dropped);
                    yield return update;
                    if (update is not EntriesCommitted committed)
                        continue;
                    known = Math.Max(known, committed.Sequence);
                    if (committed.Status.IsTerminal())
                        yield break;
                }

                wait ??= queue.WaitAsync(cancellationToken).AsTask();
                if (await poll.FirstAsync(wait, polled, cancellationToken) == wait)
                {
                    await wait;
                    wait = null;
                    continue;
                }

                info = (await polled)?.Info;
                polled = waiting.Next;
                if (info is not null && (info.Sequence > known || info.Status.IsTerminal()))
                    queue.Add(new EntriesCommitted(info.Sequence, info.Status));
            }

            throw new StewardException($"There is no run {run}.");
        }
        finally
        {
            Leave(run, queue);
        }
    }

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        if (_followers.TryGetValue(state.Run, out UpdateQueue[]? queues))
            Publish(queues, new EntriesCommitted(state.Sequence, state.Status));
    }

    public void Delta(RunId run, int turn, int attempt, string text)
    {
        if (_followers.TryGetValue(run, out UpdateQueue[]? queues))
            Publish(queues, new TextArrived(turn, attempt, text));
    }

    private static void Publish(UpdateQueue[] queues, RunUpdate update)
    {
        foreach (UpdateQueue queue in queues)
            queue.Add(update);
    }

    private void Join(RunId run, UpdateQueue queue)
    {
        lock (_changing)
            _followers[run] = [.. _followers.GetValueOrDefault(run, []), queue];
    }

    private void Leave(RunId run, UpdateQueue queue)
    {
        lock (_changing)
        {
            UpdateQueue[] left = [.. _followers.GetValueOrDefault(run, []).Where(q => q != queue)];
            if (left is [])
                _followers.TryRemove(run, out _);
            else
                _followers[run] = left;
        }
    }
}
