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
        _connectionString = connectionString;
        _readOnlyConnectionString = dialect == SqlDialect.Sqlite ? ReadOnly(factory, connectionString) : connectionString;
        Dialect = dialect;
    }

    /// <summary>Whose SQL it is.</summary>
    public SqlDialect Dialect { get; }

    /// <summary>Reads; the database refuses to write.</summary>
    /// <exception cref="ToolException">The database refused or is not to be reached.</exception>
    internal Task<SqlRows> ReadAsync(SqlCall call, CancellationToken cancellationToken) => OffThread(
        async () =>
        {
            await using DbConnection connection = await OpenAsync(_readOnlyConnectionString, cancellationToken);
            try
            {
                if (Dialect == SqlDialect.Sqlite)
                {
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
            catch (DbException e)
            {
                throw Refused(e);
            }
        },
        cancellationToken);

    /// <summary>Writes in one transaction.</summary>
    /// <exception cref="ToolException">It failed before the commit: there was no effect.</exception>
    /// <exception cref="DbException">The commit failed: whether there was an effect is not known.</exception>
    internal Task<SqlRows> WriteAsync(SqlCall call, CancellationToken cancellationToken) => OffThread(
        async () =>
        {
            await using DbConnection connection = await OpenAsync(_connectionString, cancellationToken);
            DbTransaction? transaction = null;
            try
            {
                SqlRows rows;
                try
                {
                    transaction = await connection.BeginTransactionAsync(cancellationToken);
                    rows = await RunAsync(connection, transaction, call, writes: true, cancellationToken);
                }
                catch (DbException e)
                {
                    throw Refused(e);
                }

                await transaction.CommitAsync(cancellationToken);
                return rows;
            }
            finally
            {
                if (transaction is not null)
                    await transaction.DisposeAsync();
            }
        },
        cancellationToken);

    // SQLite's driver is synchronous throughout; the loop's thread must not wait for it.
    private Task<SqlRows> OffThread(Func<Task<SqlRows>> work, CancellationToken cancellationToken) =>
        Dialect == SqlDialect.Sqlite ? Task.Run(work, cancellationToken) : work();

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

    private static async Task<SqlRows> RunAsync(
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

        DbDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        SqlRows? rows = null;
        try
        {
            rows = await SqlRows.ReadAsync(reader, call, toTheEnd: writes, cancellationToken);
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
    private ToolException Refused(DbException e)
    {
        bool answered = Dialect == SqlDialect.Sqlite || e.SqlState is not null;
        string line = e.Message.Split('\n', 2)[0].Trim();
        return answered
            ? new ToolException($"The database refused this, and nothing was changed: {(line.Length <= 300 ? line : line[..300])}", e)
            : new ToolException("The database did not answer; nothing was changed.", e);
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
