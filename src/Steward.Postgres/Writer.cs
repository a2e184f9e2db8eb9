using System.Threading.Channels;
using Npgsql;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>Group commit: what queues up while a loop commits shares its next transaction.</summary>
/// <remarks>
/// A group holds each run once. It goes <see cref="AppendAtOnce">at once</see>; what is left of it goes <see cref="AppendLocked">under locks</see>, where a refusal is its batch's own answer. When the server refuses
/// that transaction before its commit, nothing of it happened: its batches are made one by one, so that a bad one fails alone. When a commit itself fails, nobody knows; all that
/// were in it say so and each session reads back.
/// </remarks>
internal sealed class Writer : IAsyncDisposable
{
    /// <summary>How many parts a budget without a ceiling may have: writers at work at the same time that never wait for each other there.</summary>
    public const int Parts = 64;

    private readonly Database _database;
    private readonly Known _known;
    private readonly PostgresStoreOptions _options;
    private readonly Channel<Item> _queue;
    private readonly Task[] _loops;

    public Writer(Database database, Known known, PostgresStoreOptions options)
    {
        _database = database;
        _known = known;
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
        int? part = null;
        while (later.Count > 0 || await _queue.Reader.WaitToReadAsync())
        {
            for (int left = later.Count; left > 0; left--)
                Take(later.Dequeue());
            while (group.Count < _options.MaxGroup && _queue.Reader.TryRead(out Item? item))
                Take(item);
            if (group.Count > 0)
                part = await CommitAsync(group, part);
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

    /// <returns>The writer's part, once it has one.</returns>
    private async Task<int?> CommitAsync(List<Item> group, int? part)
    {
        try
        {
            part ??= await TakePartAsync();
            object?[] answers = await AppendAtOnce.TryAsync(_database, _known, [.. group.Select(item => item.Batch)], part.Value, _options.Limits.InlinePayload);
            List<Item> left = [];
            for (int i = 0; i < answers.Length; i++)
            {
                if (answers[i] is { } answer)
                    group[i].Complete(answer);
                else
                    left.Add(group[i]);
            }

            if (left.Count > 0)
                await CommitLockedAsync(left, part.Value);
        }
        catch (Exception e)
        {
            foreach (Item item in group)
                item.TrySetException(e);
        }

        return part;
    }

    private async Task CommitLockedAsync(List<Item> group, int part)
    {
        RunBatch[] batches = [.. group.Select(item => item.Batch)];
        try
        {
            (object[] answers, IReadOnlyList<Accepted> accepted) = await _database.WriteAsync(
                async tx =>
                {
                    AppendLocked append = new(tx, batches, part, _options.Limits.InlinePayload);
                    return (await append.RunAsync(), append.Accepted);
                },
                CancellationToken.None);
            foreach (Accepted one in accepted)
                _known.Keep(one.Run);
            for (int i = 0; i < answers.Length; i++)
                group[i].Complete(answers[i]);
        }
        catch (Exception e) when (group.Count > 1 && e is not UnknownCommitException && e is not StoreException { InnerException: not PostgresException })
        {
            foreach (Item item in group)
                await CommitLockedAsync([item], part);
        }
        catch (Exception e)
        {
            foreach (Item item in group)
                item.TrySetException(e);
        }
    }

    /// <summary>The number under which a writer counts what it draws on budgets without a ceiling: another one's than that of the writers that began before it.</summary>
    private ValueTask<int> TakePartAsync() =>
        _database.WriteAsync(tx => tx.FirstAsync($"SELECT (nextval('steward.writer') % {Parts})::integer", static r => r.GetInt32(0)), CancellationToken.None);

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
