using System.Threading.Channels;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>Group commit: what queues up while a loop commits shares its next transaction. A group holds each run once.</summary>
internal abstract class GroupCommit<TWork, TAnswer> : IAsyncDisposable
    where TWork : notnull
{
    private readonly Database _database;
    private readonly int _maxGroup;
    private readonly Channel<Item> _queue;
    private readonly Task[] _loops;

    protected GroupCommit(Database database, int loops, int maxGroup)
    {
        _database = database;
        _maxGroup = maxGroup;
        _queue = Channel.CreateBounded<Item>(new BoundedChannelOptions(Math.Max(1_024, 4 * maxGroup)));
        _loops = [.. Enumerable.Range(0, loops).Select(loop => Task.Run(() => WorkAsync(loop)))];
    }

    protected Database Database => _database;

    /// <summary>Queues work and waits until it is durable, or refused.</summary>
    public async ValueTask<TAnswer> CommitAsync(TWork work, CancellationToken cancellationToken)
    {
        _database.ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        Item item = new(work, cancellationToken);
        try
        {
            await _queue.Writer.WriteAsync(item, cancellationToken);
        }
        catch (ChannelClosedException)
        {
            throw new StoreException(StoreFailure.Closed, $"The store on '{_database.Name}' was closed. Open it again.");
        }

        return await item.Task;
    }

    /// <summary>Finishes what is queued.</summary>
    public async ValueTask DisposeAsync()
    {
        _queue.Writer.TryComplete();
        await Task.WhenAll(_loops);
    }

    protected abstract RunId RunOf(TWork work);

    /// <summary>Commits a group.</summary>
    /// <param name="group">The work, each run once.</param>
    /// <param name="loop">Which of the loops does it.</param>
    /// <returns>For each its answer, or the exception that is its alone. A task stands for work that goes on by itself and that the others
    /// need not wait for. What is thrown is for all of them.</returns>
    protected abstract Task<object[]> CommitAsync(IReadOnlyList<TWork> group, int loop);

    private async Task WorkAsync(int loop)
    {
        List<Item> group = [];
        Queue<Item> later = [];
        HashSet<RunId> runs = [];
        while (later.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            for (int left = later.Count; left > 0; left--)
                Take(later.Dequeue());
            while (group.Count < _maxGroup && _queue.Reader.TryRead(out Item? item))
                Take(item);
            if (group.Count > 0)
                await CommitAsync(group, loop);
            group.Clear();
            runs.Clear();
        }

        void Take(Item item)
        {
            if (item.CancellationToken.IsCancellationRequested)
                item.TrySetCanceled(item.CancellationToken);
            else if (runs.Add(RunOf(item.Work)))
                group.Add(item);
            else
                later.Enqueue(item);
        }
    }

    private async Task CommitAsync(List<Item> group, int loop)
    {
        try
        {
            object[] answers = await CommitAsync([.. group.Select(item => item.Work)], loop);
            for (int i = 0; i < answers.Length; i++)
            {
                if (answers[i] is Task<object> later)
                    _ = CompleteAsync(group[i], later);
                else
                    group[i].Complete(answers[i]);
            }
        }
        catch (Exception e)
        {
            foreach (Item item in group)
                item.TrySetException(e);
        }
    }

    private static async Task CompleteAsync(Item item, Task<object> answer) => item.Complete(await answer);

    private sealed class Item(TWork work, CancellationToken cancellationToken)
        : TaskCompletionSource<TAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public TWork Work => work;

        public CancellationToken CancellationToken => cancellationToken;

        public void Complete(object answer)
        {
            if (answer is TAnswer result)
                TrySetResult(result);
            else
                TrySetException((Exception)answer);
        }
    }
}
