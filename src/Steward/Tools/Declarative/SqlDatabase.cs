using System.Data;
using System.Data.Common;
using System.Globalization;

namespace Steward.Tools.Declarative;

/// <summary>Whose SQL it is.</summary>
public enum SqlDialect
{
    /// <summary>SQLite.</summary>
    Sqlite,

    /// <summary>PostgreSQL.</summary>
    Postgres,
}

/// <summary>A database that declared tools and validators use.</summary>
/// <remarks>
/// Reading is enforced by the database: SQLite opens the file read-only and sets <c>query_only</c>
/// (an in-memory database has only the latter); PostgreSQL runs a read-only transaction that is
/// always rolled back. What a function of the server does beyond tables is up to the role's rights.
/// </remarks>
public sealed class SqlDatabase
{
    private const int Busy = 5;
    private const int TooBig = 18;

    private readonly DbProviderFactory _factory;
    private readonly string _connectionString;
    private readonly string _readOnlyConnectionString;

    /// <summary>Names a database; nothing is opened.</summary>
    /// <param name="factory">The driver's: <c>SqliteFactory.Instance</c>, <c>NpgsqlFactory.Instance</c>.</param>
    /// <param name="connectionString">How to connect.</param>
    /// <param name="dialect">Whose SQL it is.</param>
    public SqlDatabase(DbProviderFactory factory, string connectionString, SqlDialect dialect)
    {
        ArgumentNullException.ThrowIfNull(factory);
        ArgumentException.ThrowIfNullOrWhiteSpace(connectionString);
        _factory = factory;
        _connectionString = dialect == SqlDialect.Sqlite ? Impatient(factory, connectionString) : connectionString;
        _readOnlyConnectionString = dialect == SqlDialect.Sqlite ? ReadOnly(factory, connectionString) : connectionString;
        Dialect = dialect;
    }

    /// <summary>Whose SQL it is.</summary>
    public SqlDialect Dialect { get; }

    /// <summary>Reads; the database refuses to write. SQLite's driver is synchronous: the caller's thread works for it.</summary>
    /// <exception cref="ToolException">The database refused or is not to be reached.</exception>
    /// <exception cref="OperationCanceledException">The call was cancelled, and the statement was stopped.</exception>
    internal async Task<SqlRows> ReadAsync(SqlCall call, CancellationToken cancellationToken)
    {
        await using DbConnection connection = await OpenAsync(_readOnlyConnectionString, cancellationToken);
        using var interrupt = new SqliteInterrupt(connection, cancellationToken);
        try
        {
            if (Dialect == SqlDialect.Sqlite)
            {
                SqliteCalls.Limit(connection, call);
                await ExecuteAsync(connection, null, "PRAGMA query_only = ON", cancellationToken);
                return await RunAsync(connection, null, call, writes: false, cancellationToken);
            }

            await ExecuteAsync(connection, null, "SET default_transaction_read_only = on", cancellationToken);
            await using DbTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
            await ExecuteAsync(connection, transaction, "SET TRANSACTION READ ONLY", cancellationToken);
            SqlRows rows = await RunAsync(connection, transaction, call, writes: false, cancellationToken);
            await transaction.RollbackAsync(cancellationToken);
            return rows;
        }
        catch (Exception e) when (e is not (ToolException or OperationCanceledException or OutOfMemoryException))
        {
            cancellationToken.ThrowIfCancellationRequested();
            throw Refused(e, call);
        }
    }

    /// <summary>Writes in one transaction.</summary>
    /// <exception cref="ToolException">It failed, or was stopped, before the commit: there was no effect.</exception>
    /// <exception cref="DbException">The commit failed: whether there was an effect is not known.</exception>
    internal async Task<SqlRows> WriteAsync(SqlCall call, CancellationToken cancellationToken)
    {
        DbConnection? connection = null;
        DbTransaction? transaction = null;
        try
        {
            SqlRows rows;
            try
            {
                connection = await OpenAsync(_connectionString, cancellationToken);
                using var interrupt = new SqliteInterrupt(connection, cancellationToken);
                transaction = await UntilFreeAsync(
                    () => connection.BeginTransactionAsync(cancellationToken).AsTask(), call, cancellationToken);
                rows = await RunAsync(connection, transaction, call, writes: true, cancellationToken);
                cancellationToken.ThrowIfCancellationRequested();
            }
            catch (Exception e) when (e is not ToolException && cancellationToken.IsCancellationRequested)
            {
                throw new ToolException("The statement was stopped before its commit; nothing was changed.", e);
            }
            catch (Exception e) when (e is not (ToolException or OutOfMemoryException))
            {
                throw Refused(e, call);
            }

            // Not to be cancelled: a commit that was cut off is of unknown outcome.
            await UntilFreeAsync(() => CommitAsync(transaction), call, CancellationToken.None);
            return rows;
        }
        finally
        {
            if (transaction is not null)
                await transaction.DisposeAsync();
            if (connection is not null)
                await connection.DisposeAsync();
        }
    }

    /// <summary>Waits for a SQLite file that another connection holds, a second at a time, so that a cancel is heard meanwhile.</summary>
    private async Task<T> UntilFreeAsync<T>(Func<Task<T>> step, SqlCall call, CancellationToken cancellationToken)
    {
        for (int seconds = 1; ; seconds++)
        {
            try
            {
                return await step();
            }
            catch (DbException e)
                when (Dialect == SqlDialect.Sqlite && SqliteCalls.IsError(e, Busy) && seconds < call.Timeout.TotalSeconds)
            {
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }

    private static async Task<bool> CommitAsync(DbTransaction transaction)
    {
        await transaction.CommitAsync(CancellationToken.None);
        return true;
    }

    private async Task<DbConnection> OpenAsync(string connectionString, CancellationToken cancellationToken)
    {
        DbConnection connection = _factory.CreateConnection() ?? throw new InvalidOperationException($"'{_factory}' makes no connections.");
        try
        {
            connection.ConnectionString = connectionString;
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch (DbException e)
        {
            await connection.DisposeAsync();
            throw new ToolException("The database cannot be reached; nothing was done.", e);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    private static async Task ExecuteAsync(
        DbConnection connection,
        DbTransaction? transaction,
        string sql,
        CancellationToken cancellationToken)
    {
        await using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<SqlRows> RunAsync(
        DbConnection connection,
        DbTransaction? transaction,
        SqlCall call,
        bool writes,
        CancellationToken cancellationToken)
    {
        await using DbCommand command = connection.CreateCommand();
        command.Transaction = transaction;
        command.CommandText = call.Statement.Text;
        command.CommandTimeout = (int)Math.Clamp(Math.Ceiling(call.Timeout.TotalSeconds), 1, int.MaxValue);
        foreach (string name in call.Statement.Parameters)
        {
            DbParameter parameter = command.CreateParameter();
            parameter.ParameterName = "@" + name;
            parameter.Value = call.Values[name] ?? DBNull.Value;
            command.Parameters.Add(parameter);
        }

        // A row is read from left to right, so that no cell needs to be in memory whole.
        DbDataReader reader = await command.ExecuteReaderAsync(CommandBehavior.SequentialAccess, cancellationToken);
        SqlRows? rows = null;
        try
        {
            rows = await SqlRows.ReadAsync(
                reader, call, toTheEnd: writes, streams: Dialect == SqlDialect.Postgres, cancellationToken);
            if (rows.Truncated && !writes)
                command.Cancel();
            return rows;
        }
        finally
        {
            await CloseAsync(reader, cut: rows is { Truncated: true } && !writes);
        }
    }

    /// <summary>Closes; PostgreSQL says of a query that was cut short that it was cancelled, which it was.</summary>
    private static async Task CloseAsync(DbDataReader reader, bool cut)
    {
        try
        {
            await reader.DisposeAsync();
        }
        catch (Exception e) when (cut && e is DbException or OperationCanceledException)
        {
        }
    }

    /// <summary>The database's own first line: which constraint, which column. PostgreSQL's details may hold other people's data.</summary>
    private ToolException Refused(Exception e, SqlCall call)
    {
        if (e is not DbException answer)
            return new ToolException("The database's driver cannot take this call; nothing was changed.", e);
        if (Dialect == SqlDialect.Sqlite && SqliteCalls.IsError(answer, TooBig))
            return new ToolException(
                $"A value in this is larger than {SqliteCalls.LargestValue(call)} bytes, more than this tool reads. Ask for a part of it (substr).",
                e);
        bool answered = Dialect == SqlDialect.Sqlite || answer.SqlState is not null;
        string line = e.Message.Split('\n', 2)[0].Trim();
        return answered
            ? new ToolException($"The database refused this, and nothing was changed: {(line.Length <= 300 ? line : line[..300])}", e)
            : new ToolException("The database did not answer; nothing was changed.", e);
    }

    private static string Impatient(DbProviderFactory factory, string connectionString)
    {
        DbConnectionStringBuilder builder = factory.CreateConnectionStringBuilder() ?? [];
        builder.ConnectionString = connectionString;
        builder["Default Timeout"] = 1;
        return builder.ConnectionString;
    }

    private static string ReadOnly(DbProviderFactory factory, string connectionString)
    {
        DbConnectionStringBuilder builder = factory.CreateConnectionStringBuilder() ?? [];
        builder.ConnectionString = connectionString;
        string mode = builder.TryGetValue("Mode", out object? given) ? Convert.ToString(given, CultureInfo.InvariantCulture) ?? "" : "";
        string source = builder.TryGetValue("Data Source", out object? file)
            ? Convert.ToString(file, CultureInfo.InvariantCulture) ?? ""
            : "";
        if (!mode.Equals("Memory", StringComparison.OrdinalIgnoreCase)
            && source.Length > 0
            && !source.Contains(":memory:", StringComparison.OrdinalIgnoreCase))
            builder["Mode"] = "ReadOnly";
        return builder.ConnectionString;
    }
}

/// <summary>A statement with its values and bounds.</summary>
internal sealed record SqlCall(
    SqlStatement Statement,
    IReadOnlyDictionary<string, object?> Values,
    TimeSpan Timeout,
    int MaxRows,
    int MaxBytes);
