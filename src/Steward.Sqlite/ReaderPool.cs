using System.Collections.Concurrent;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>Connections that read, beside the writer: the write-ahead log
/// gives each a snapshot. Kept for the next reader, up to a few.</summary>
internal sealed class ReaderPool(SqliteStoreOptions options)
{
    private const int Kept = 4;

    private readonly ConcurrentBag<(Db Db, int Generation)> _idle = [];
    private int _generation;
    private volatile bool _closed;

    /// <summary>Runs a query in one snapshot.</summary>
    public T Read<T>(Func<Db, T> query)
    {
        (Db db, int generation) = Rent();
        bool good = false;
        try
        {
            db.Prepare("BEGIN").Execute();
            T answer = query(db);
            db.Prepare("COMMIT").Execute();
            good = true;
            return answer;
        }
        catch (SqliteFailure e)
        {
            throw e.ToStoreException();
        }
        finally
        {
            Return(db, generation, good);
        }
    }

    /// <summary>Drops all connections; those in use when they come back.</summary>
    public void Forget()
    {
        Interlocked.Increment(ref _generation);
        while (_idle.TryTake(out (Db Db, int) idle))
            idle.Db.Dispose();
    }

    public void Close()
    {
        _closed = true;
        Forget();
    }

    private (Db Db, int Generation) Rent()
    {
        if (_closed)
            throw new StoreException(StoreFailure.Closed, $"The store '{options.Path}' was closed; open it again.");
        if (_idle.TryTake(out (Db, int) idle))
            return idle;
        try
        {
            return (Schema.OpenReader(options), Volatile.Read(ref _generation));
        }
        catch (SqliteFailure e)
        {
            throw e.ToStoreException();
        }
    }

    private void Return(Db db, int generation, bool good)
    {
        if (!good || _closed || generation != Volatile.Read(ref _generation) || _idle.Count >= Kept)
        {
            db.Dispose();
            return;
        }

        _idle.Add((db, generation));
        if (_closed)
            Forget();
    }
}
