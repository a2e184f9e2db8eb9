using SQLitePCL;
using static SQLitePCL.raw;

namespace Steward.Sqlite.Data;

/// <summary>One connection, used by one thread at a time, and its prepared statements.</summary>
/// <remarks>
/// Straight on SQLite's own interface. Its calls block anyway, the gate needs the extended error codes and a busy wait of
/// milliseconds, and a prepared statement must cost nothing to run again.
/// </remarks>
internal sealed class Db : IDisposable
{
    /// <summary>How long one attempt at the write lock waits inside SQLite.</summary>
    private static readonly TimeSpan s_slice = TimeSpan.FromMilliseconds(2);

    private readonly sqlite3 _handle;
    private readonly string _path;
    private readonly Dictionary<string, Statement> _statements = [];
    private readonly TimeSpan _busyTimeout;

    static Db() => Batteries_V2.Init();

    private Db(sqlite3 handle, string path, TimeSpan busyTimeout) => (_handle, _path, _busyTimeout) = (handle, path, busyTimeout);

    public string Path => _path;

    /// <summary>Rows changed by the last statement.</summary>
    public int Changes => sqlite3_changes(_handle);

    /// <summary>Rows changed since the connection was opened.</summary>
    public int TotalChanges => sqlite3_total_changes(_handle);

    public long LastId => sqlite3_last_insert_rowid(_handle);

    public bool InTransaction => sqlite3_get_autocommit(_handle) == 0;

    public static Db Open(string path, TimeSpan busyTimeout)
    {
        int code = sqlite3_open_v2(path, out sqlite3 handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, null!);
        Db db = new(handle, path, busyTimeout);
        try
        {
            db.Check(code);
            sqlite3_extended_result_codes(handle, 1);
            db.WaitWhenBusy(busyTimeout);
            return db;
        }
        catch
        {
            db.Dispose();
            throw;
        }
    }

    /// <summary>Takes the write lock. Asks often: SQLite's own waiting soon
    /// asks only every 100 ms, which starves beside a busy neighbour.</summary>
    public void BeginImmediate(TimeSpan patience)
    {
        Statement begin = Prepare("BEGIN IMMEDIATE");
        WaitWhenBusy(s_slice);
        try
        {
            for (long attempts = (long)(patience / s_slice); attempts > 0; attempts--)
            {
                if (begin.TryExecute())
                    return;
            }

            begin.Execute();
        }
        finally
        {
            WaitWhenBusy(_busyTimeout);
        }
    }

    /// <summary>The statement of that text, prepared once.</summary>
    public Statement Prepare(string sql)
    {
        if (_statements.TryGetValue(sql, out Statement? statement))
            return statement;
        Check(sqlite3_prepare_v3(_handle, sql, SQLITE_PREPARE_PERSISTENT, out sqlite3_stmt handle));
        return _statements[sql] = new Statement(this, handle);
    }

    /// <summary>Runs a text that may hold several statements.</summary>
    public void Execute(string sql) => Check(sqlite3_exec(_handle, sql));

    public long Number(string sql) => Prepare(sql).First(s => s.Int64(0));

    public string Text(string sql) => Prepare(sql).First(s => s.Text(0)) ?? "";

    public void Rollback()
    {
        if (InTransaction)
            Execute("ROLLBACK");
    }

    /// <summary>Copies the log into the database and empties it, unless somebody is reading from it.</summary>
    public void TryTruncateLog() => TruncateLog(TimeSpan.Zero);

    /// <summary>Copies the log into the database and empties it; false when somebody was reading from it for that long.</summary>
    public bool TruncateLog(TimeSpan patience)
    {
        WaitWhenBusy(patience);
        int code = sqlite3_wal_checkpoint_v2(_handle, "main", SQLITE_CHECKPOINT_TRUNCATE, out _, out _);
        WaitWhenBusy(_busyTimeout);
        if (code is not SQLITE_OK and not SQLITE_BUSY and not SQLITE_LOCKED)
            throw Failure(code);
        return code is SQLITE_OK;
    }

    /// <summary>Closing must not write or sync: it only reads, or the last sync failed.</summary>
    public void ForbidCheckpointOnClose() => sqlite3_db_config(_handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _);

    public void Check(int code)
    {
        if (code is not SQLITE_OK)
            throw Failure(code);
    }

    public SqliteFailure Failure(int code)
    {
        int extended = sqlite3_extended_errcode(_handle);
        return new SqliteFailure(
            _path,
            (extended & 0xff) == (code & 0xff) ? extended : code,
            sqlite3_errmsg(_handle).utf8_to_string() ?? "");
    }

    public void Dispose()
    {
        foreach (Statement statement in _statements.Values)
            statement.Dispose();
        _statements.Clear();
        _handle.manual_close_v2();
    }

    private void WaitWhenBusy(TimeSpan timeout) =>
        Check(sqlite3_busy_timeout(_handle, (int)Math.Clamp(timeout.TotalMilliseconds, 0, int.MaxValue)));
}
