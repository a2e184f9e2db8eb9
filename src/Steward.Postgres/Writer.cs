using System.Threading.Channels;
using Npgsql;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>Group commit: what queues up while a loop commits shares its next transaction.</summary>
/// <remarks>
/// A group holds each run once. A refusal is its batch's own answer. When the server refuses a group before its commit, nothing of it
/// happened: its batches are made one by one, so that a bad one fails alone. When the commit itself fails, nobody knows; all of the
/// group say so and each session reads back.
/// </remarks>
internal sealed class Writer : IAsyncDisposable
{
    private readonly Database _database;
    private readonly PostgresStoreOptions _options;
    private readonly Channel<Item> _queue;
    private readonly Task[] _loops;

    public Writer(Database database, PostgresStoreOptions options)
    {
        _database = database;
        _options = options;
        _queue = Channel.CreateBounded<Item>(new BoundedChannelOptions(Math.Max(1_024, 4 * options.MaxGroup)));
        _loops = [.. Enumerable.Range(0, options.Writers).Select(_ => Task.Run(WorkAsync))];
    }

    public async ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken)
    {
        _database.ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        Item item = new(batch, cancellationToken);
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

    private async Task WorkAsync()
    {
        List<Item> group = [];
        Queue<Item> later = [];
        HashSet<Runs.RunId> runs = [];
        while (later.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            for (int left = later.Count; left > 0; left--)
                Take(later.Dequeue());
            while (group.Count < _options.MaxGroup && _queue.Reader.TryRead(out Item? item))
                Take(item);
            if (group.Count > 0)
                await CommitAsync(group);
            group.Clear();
            runs.Clear();
        }

        void Take(Item item)
        {
            if (item.CancellationToken.IsCancellationRequested)
                item.TrySetCanceled(item.CancellationToken);
            else if (runs.Add(item.Batch.Lease.Run))
                group.Add(item);
            else
                later.Enqueue(item);
        }
    }

    private async Task CommitAsync(List<Item> group)
    {
        RunBatch[] batches = [.. group.Select(item => item.Batch)];
        try
        {
            object[] answers = await _database.WriteAsync(tx => new Append(tx, batches, _options.Limits.InlinePayload).RunAsync(), CancellationToken.None);
            for (int i = 0; i < answers.Length; i++)
                group[i].Complete(answers[i]);
        }
        catch (Exception e) when (group.Count > 1 && e is not UnknownCommitException && e is not StoreException { InnerException: not PostgresException })
        {
            foreach (Item item in group)
                await CommitAsync([item]);
        }
        catch (Exception e)
        {
            foreach (Item item in group)
                item.TrySetException(e);
        }
    }

    private sealed class Item(RunBatch batch, CancellationToken cancellationToken)
        : TaskCompletionSource<AppendResult>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public RunBatch Batch => batch;

        public CancellationToken CancellationToken => cancellationToken;

        public void Complete(object answer)
        {
            if (answer is AppendResult result)
                TrySetResult(result);
            else
                TrySetException((Exception)answer);
        }
    }
}
