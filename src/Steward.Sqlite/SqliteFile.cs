using Microsoft.Extensions.Logging;
using Steward.Sqlite.Data;
using Steward.Sqlite.Operations;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>The open database file: the writer's session, the readers, and the witness.</summary>
internal sealed class SqliteFile(SqliteStoreOptions options, IReadOnlyList<Migration> migrations, TimeProvider time, ILogger logger)
{
    private WriteSession? _session;
    private Witness? _witness;
    private bool _witnessFailed;
    private bool _mustEmptyLog;

    public string Path => options.Path;

    public ReaderPool Readers { get; } = new(options);

    /// <summary>Called at named points of a commit; tests make it throw.</summary>
    internal Action<string>? Failpoint { get; set; }

    public void Open()
    {
        try
        {
            _session = OpenSession();
        }
        catch (SqliteFailure e)
        {
            throw e.ToStoreException();
        }
    }

    /// <summary>The writer's session; opened anew after an I/O error.</summary>
    public WriteSession Session() => _session ??= OpenSession();

    /// <summary>Commits, then writes down what was committed. Only after this may anybody hear of it.</summary>
    public void Commit(WriteSession session)
    {
        Failpoint?.Invoke("before commit");
        session.Commit();
        Failpoint?.Invoke("after commit");
        if (session.Moved.Count == 0 || _witness is null)
            return;
        try
        {
            _witness.Append(session.Moved);
        }
        catch (IOException e)
        {
            if (!_witnessFailed)
                Log.WitnessFailed(logger, Path, e.Message);
            _witnessFailed = true;
        }
    }

    /// <summary>After an I/O error: closes without writing or syncing anything more.</summary>
    public void Abandon()
    {
        _mustEmptyLog = true;
        _session?.Db.ForbidCheckpointOnClose();
        Release();
        Readers.Forget();
    }

    public void Close()
    {
        Readers.Close();
        try
        {
            _session?.Db.TryTruncateLog();
        }
        catch (SqliteFailure e)
        {
            Log.IoError(logger, e, Path);
            _session?.Db.ForbidCheckpointOnClose();
        }

        Release();
    }

    public StoreException ClosedError(Exception? inner = null) =>
        new(StoreFailure.Closed, $"The store '{Path}' was closed; open it again.", inner);

    private WriteSession OpenSession()
    {
        Db db = Schema.OpenWriter(options);
        try
        {
            if (_mustEmptyLog)
                EmptyLog(db);
            Schema.Migrate(db, migrations, time);
            WriteSession session = new(db, options, time);
            OpenWitness(db, session);
            return session;
        }
        catch
        {
            db.ForbidCheckpointOnClose();
            db.Dispose();
            throw;
        }
    }

    /// <summary>What a failed sync should have written may be in memory alone, and no later sync need write it. It is copied into the
    /// database before anything is built on it.</summary>
    private void EmptyLog(Db db)
    {
        if (!db.TruncateLog(options.BusyTimeout))
            throw db.Failure(SQLitePCL.raw.SQLITE_BUSY);
        _mustEmptyLog = false;
    }

    private void OpenWitness(Db db, WriteSession session)
    {
        db.BeginImmediate(options.BusyTimeout);
        try
        {
            (session.Refused, bool rewritten) = WitnessCheck.Open(db, options, time.GetUtcNow(), logger);
            _witness = Witness.Open(Path);
            if (rewritten)
                ForgetPruned(db);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Log.WitnessFailed(logger, Path, e.Message);
        }
        finally
        {
            db.Rollback();
        }
    }

    private static void ForgetPruned(Db db)
    {
        try
        {
            WitnessCheck.ForgetPruned(db);
            db.Execute("COMMIT");
        }
        catch (SqliteFailure e) when (e.Code == SQLitePCL.raw.SQLITE_FULL)
        {
            // It only takes room, and can wait until there is some.
        }
    }

    private void Release()
    {
        _session?.Dispose();
        _session = null;
        _witness?.Dispose();
        _witness = null;
    }
}
