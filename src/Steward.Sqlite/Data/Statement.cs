using SQLitePCL;
using static SQLitePCL.raw;

namespace Steward.Sqlite.Data;

/// <summary>A prepared statement. Bind, then run one of <see cref="Execute"/>,
/// <see cref="First"/> and <see cref="All"/>; each leaves it reset.</summary>
internal sealed class Statement(Db db, sqlite3_stmt handle) : IDisposable
{
    public Statement Bind(int index, long value)
    {
        db.Check(sqlite3_bind_int64(handle, index, value));
        return this;
    }

    public Statement Bind(int index, long? value)
    {
        db.Check(value is { } v ? sqlite3_bind_int64(handle, index, v) : sqlite3_bind_null(handle, index));
        return this;
    }

    public Statement Bind(int index, string? value)
    {
        db.Check(value is null ? sqlite3_bind_null(handle, index) : sqlite3_bind_text(handle, index, value));
        return this;
    }

    public Statement Bind(int index, ReadOnlySpan<byte> value)
    {
        db.Check(value.IsEmpty ? sqlite3_bind_zeroblob(handle, index, 0) : sqlite3_bind_blob(handle, index, value));
        return this;
    }

    public Statement Bind(int index, Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Bind(index, bytes);
    }

    public Statement Bind(int index, Guid? value) => value is { } id ? Bind(index, id) : BindNull(index);

    public Statement BindNull(int index)
    {
        db.Check(sqlite3_bind_null(handle, index));
        return this;
    }

    /// <summary>Runs it to its end; returns the rows it changed.</summary>
    public int Execute()
    {
        int code = sqlite3_step(handle);
        while (code == SQLITE_ROW)
            code = sqlite3_step(handle);
        Finish(code);
        return db.Changes;
    }

    /// <summary>Runs it to its end; false when another process holds the lock.</summary>
    public bool TryExecute()
    {
        int code = sqlite3_step(handle);
        if ((code & 0xff) == SQLITE_BUSY)
        {
            sqlite3_reset(handle);
            return false;
        }

        Finish(code);
        return true;
    }

    /// <summary>The first row, or the default when there is none.</summary>
    public T? First<T>(Func<Statement, T> read)
    {
        try
        {
            return Next() ? read(this) : default;
        }
        finally
        {
            Reset();
        }
    }

    public List<T> All<T>(Func<Statement, T> read)
    {
        List<T> rows = [];
        try
        {
            while (Next())
                rows.Add(read(this));
        }
        finally
        {
            Reset();
        }

        return rows;
    }

    /// <summary>Steps to the next row; the caller resets.</summary>
    public bool Next()
    {
        int code = sqlite3_step(handle);
        if (code == SQLITE_ROW)
            return true;
        if (code != SQLITE_DONE)
            throw db.Failure(code);
        return false;
    }

    public void Reset() => sqlite3_reset(handle);

    public bool IsNull(int column) => sqlite3_column_type(handle, column) == SQLITE_NULL;

    public long Int64(int column) => sqlite3_column_int64(handle, column);

    public long? Int64OrNull(int column) => IsNull(column) ? null : Int64(column);

    public string Text(int column) => sqlite3_column_text(handle, column).utf8_to_string() ?? "";

    public string? TextOrNull(int column) => IsNull(column) ? null : Text(column);

    /// <summary>A column's bytes; valid until the next step.</summary>
    public ReadOnlySpan<byte> Span(int column) => sqlite3_column_blob(handle, column);

    public byte[] Bytes(int column) => Span(column).ToArray();

    public Guid Guid(int column) => Span(column) is { Length: 16 } bytes ? new Guid(bytes, bigEndian: true) : default;

    public void Dispose() => handle.manual_close();

    private void Finish(int code)
    {
        if (code == SQLITE_DONE)
        {
            sqlite3_reset(handle);
            return;
        }

        SqliteFailure failure = db.Failure(code);
        sqlite3_reset(handle);
        throw failure;
    }
}
