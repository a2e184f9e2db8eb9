using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Steward.Sqlite.Data;
using Steward.Sqlite.Operations;

namespace Steward.Sqlite;

/// <summary>One operation on its way through the writer.</summary>
internal abstract class WorkItem(CancellationToken cancellationToken)
{
    /// <summary>Whether its caller gave up before it was begun.</summary>
    public bool IsCancelled => cancellationToken.IsCancellationRequested;

    protected CancellationToken CancellationToken => cancellationToken;

    /// <summary>Works inside the transaction; keeps its answer until the commit.</summary>
    public abstract void Run(WriteSession session);

    /// <summary>Keeps an error as the answer: its checks failed, and it wrote nothing.</summary>
    public abstract void Refuse(Exception error);

    /// <summary>Gives the caller what <see cref="Run"/> came to. Only ever called after the commit.</summary>
    public abstract void Complete();

    public abstract void Fail(Exception error);

    public abstract void Cancel();
}

internal sealed class WorkItem<T>(Func<WriteSession, T> body, CancellationToken cancellationToken) : WorkItem(cancellationToken)
{
    private readonly TaskCompletionSource<T> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private T _answer = default!;
    private Exception? _refusal;

    public Task<T> Task => _done.Task;

    public override void Run(WriteSession session)
    {
        _refusal = null;
        _answer = body(session);
    }

    public override void Refuse(Exception error) => _refusal = error;

    public override void Complete()
    {
        if (_refusal is null)
            _done.TrySetResult(_answer);
        else
            _done.TrySetException(_refusal);
    }

    public override void Fail(Exception error) => _done.TrySetException(error);

    public override void Cancel() => _done.TrySetCanceled(CancellationToken);
}

/// <summary>Writes, one group at a time. What queues up while a group commits shares the next commit.</summary>
/// <remarks>
/// A thread of its own writes the groups. A caller that is alone (nothing is queued, nothing is being written, and the last group was of
/// one) writes its operation itself. Two changes of thread would cost it about as much as its commit.
/// An operation that fails its checks wrote nothing: it gets its own answer and the rest of the group commits.
/// If anything fails after a write, the whole group is rolled back and its operations are run again one by one. One bad operation therefore
/// cannot fail the others. After an I/O error nothing is retried, because nobody knows whether the commit happened. All of the group fail,
/// and the file is closed, reopened and read again before the next write.
/// </remarks>
internal sealed class Writer : IAsyncDisposable
{
    private readonly SqliteFile _file;
    private readonly int _maxGroup;
    private readonly ILogger _logger;
    private readonly Channel<WorkItem> _queue;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly List<WorkItem> _group = [];
    private readonly Lock _writing = new();
    private int _lastGroup = 1;
    private long _commits;
    private bool _isClosing;

    public Writer(SqliteFile file, SqliteStoreOptions options, ILogger logger)
    {
        _file = file;
        _maxGroup = options.MaxGroup;
        _logger = logger;
        _queue = Channel.CreateBounded<WorkItem>(new BoundedChannelOptions(Math.Max(1_024, 2 * options.MaxGroup)) { SingleReader = true });
        new Thread(Work) { IsBackground = true, Name = $"steward-sqlite {System.IO.Path.GetFileName(options.Path)}" }.Start();
    }

    /// <summary>Groups that were committed.</summary>
    public long Commits => Volatile.Read(ref _commits);

    public async ValueTask<T> DoAsync<T>(Func<WriteSession, T> body, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        WorkItem<T> item = new(body, cancellationToken);
        if (TryWriteAlone(item))
            return await item.Task;
        try
        {
            if (!_queue.Writer.TryWrite(item))
                await _queue.Writer.WriteAsync(item, cancellationToken);
        }
        catch (ChannelClosedException e)
        {
            throw _file.ClosedError(e);
        }

        return await item.Task;
    }

    /// <summary>Finishes what is queued, then closes the file.</summary>
    public async ValueTask DisposeAsync()
    {
        Volatile.Write(ref _isClosing, true);
        _queue.Writer.TryComplete();
        await _ended.Task;
    }

    private void Work()
    {
        while (WaitForGroup())
        {
            lock (_writing)
            {
                Fill();
                Volatile.Write(ref _lastGroup, _group.Count);
                RunGroup(_group);
            }

            _group.Clear();
        }

        lock (_writing)
            _file.Close();
        _ended.SetResult();
    }

    /// <summary>Writes an item on its caller's thread, if nobody else has anything to write.</summary>
    private bool TryWriteAlone(WorkItem item)
    {
        if (Volatile.Read(ref _lastGroup) > 1 || _queue.Reader.Count > 0 || !_writing.TryEnter())
            return false;
        try
        {
            if (Volatile.Read(ref _isClosing))
                return false;
            RunGroup([item]);
            return true;
        }
        finally
        {
            _writing.Exit();
        }
    }

    private bool WaitForGroup()
    {
        if (!_queue.Reader.TryRead(out WorkItem? first))
        {
            // The thread is the writer's own: it may block.
            while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
            {
                if (_queue.Reader.TryRead(out first))
                    break;
            }
        }

        if (first is null)
            return false;
        _group.Add(first);
        return true;
    }

    /// <summary>Takes along what has queued up, also while a lone caller was writing.</summary>
    private void Fill()
    {
        while (_group.Count < _maxGroup && _queue.Reader.TryRead(out WorkItem? next))
            _group.Add(next);
    }

    private void RunGroup(List<WorkItem> group)
    {
        WriteSession session;
        try
        {
            session = _file.Session();
        }
        catch (Exception e)
        {
            FailAll(group, e);
            return;
        }

        bool begun = false;
        try
        {
            session.Begin();
            begun = true;
            foreach (WorkItem item in group)
                RunItem(session, item);
            _file.Commit(session);
            Volatile.Write(ref _commits, _commits + 1);
        }
        catch (Exception e) when (begun && group.Count > 1 && e is not SqliteFailure { IsIo: true })
        {
            RollBack(session);
            RunOneByOne(group);
            return;
        }
        catch (Exception e)
        {
            GiveUp(session, group, e);
            return;
        }

        foreach (WorkItem item in group)
            item.Complete();
        if (session.WantsTruncatedLog)
            EmptyLog(session);
    }

    /// <summary>Runs an item; one that throws before it wrote anything is refused alone.</summary>
    private static void RunItem(WriteSession session, WorkItem item)
    {
        if (item.IsCancelled)
        {
            item.Cancel();
            return;
        }

        int before = session.Db.TotalChanges;
        try
        {
            item.Run(session);
        }
        catch (Exception e) when (e is not SqliteFailure && session.Db.TotalChanges == before)
        {
            item.Refuse(e);
        }
    }

    private void EmptyLog(WriteSession session)
    {
        session.WantsTruncatedLog = false;
        try
        {
            session.Db.TryTruncateLog();
        }
        catch (SqliteFailure e)
        {
            Log.IoError(_logger, e, _file.Path);
            _file.Abandon();
        }
    }

    private void RunOneByOne(List<WorkItem> group)
    {
        foreach (WorkItem item in group.ToArray())
            RunGroup([item]);
    }

    private void GiveUp(WriteSession session, List<WorkItem> group, Exception error)
    {
        if (error is SqliteFailure { IsIo: true })
        {
            Log.IoError(_logger, error, _file.Path);
            _file.Abandon();
        }
        else
        {
            RollBack(session);
        }

        FailAll(group, error);
    }

    private void RollBack(WriteSession session)
    {
        try
        {
            session.Rollback();
        }
        catch (SqliteFailure e)
        {
            Log.IoError(_logger, e, _file.Path);
            _file.Abandon();
        }
    }

    private static void FailAll(List<WorkItem> group, Exception error)
    {
        foreach (WorkItem item in group)
            item.Fail(error is SqliteFailure failure ? failure.ToStoreException() : error);
    }
}
