using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Postgres.Data;

/// <summary>The pool of connections, and how transactions are made: what certainly
/// did not happen is tried again, what may have happened never.</summary>
internal sealed class Database : IAsyncDisposable
{
    private const int MaxAttempts = 8;
    private const string ApplicationName = "steward";

    private readonly NpgsqlDataSource _source;
    private readonly string? _direct;
    private readonly string? _perTransaction;
    private readonly bool _owned;
    private readonly bool _pooled;
    private readonly ILogger _logger;
    private volatile bool _closed;

    public Database(PostgresStoreOptions options, ILogger logger)
    {
        _owned = options.DataSource is null;
        _source = options.DataSource ?? Source(options);
        _pooled = options.Pooled;
        _direct = options.DirectConnectionString;
        _perTransaction = options.Pooled ? $"SET LOCAL {Timeout(options)}" : null;
        _logger = logger;
        Sql = new Sql(options.Schema, options.Clock);
        NpgsqlConnectionStringBuilder named = new(_source.ConnectionString);
        Name = $"{named.Host}/{named.Database ?? named.Username}";
    }

    public Sql Sql { get; }

    /// <summary>The database for people: never a password.</summary>
    public string Name { get; }

    /// <summary>Reads outside any transaction.</summary>
    public async ValueTask<T> ReadAsync<T>(Func<Tx, Task<T>> query, CancellationToken cancellationToken)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        try
        {
            await using NpgsqlConnection connection = await _source.OpenConnectionAsync(cancellationToken);
            return await query(new Tx(connection, Sql, cancellationToken));
        }
        catch (Exception e) when (IsDriver(e))
        {
            throw Failure.ToException(e, Name);
        }
    }

    /// <summary>Works in one transaction; returns once it is committed.</summary>
    /// <param name="body">Called again when another transaction was in the way, so it keeps nothing between.</param>
    /// <param name="cancellationToken">Obeyed until the commit begins.</param>
    /// <param name="isLent">Whether others write in it, who may leave something in the session.</param>
    public async ValueTask<T> WriteAsync<T>(Func<Tx, Task<T>> body, CancellationToken cancellationToken, bool isLent = false)
    {
        ThrowIfClosed();
        cancellationToken.ThrowIfCancellationRequested();
        for (int attempt = 1; ; attempt++)
        {
            bool committing = false;
            try
            {
                await using NpgsqlConnection connection = await _source.OpenConnectionAsync(cancellationToken);
                await using IAsyncDisposable? tidy = isLent && !_pooled ? new Tidy(connection) : null;
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
                var tx = new Tx(connection, Sql, cancellationToken, transaction);
                if (_perTransaction is not null)
                    await tx.ExecuteAsync(_perTransaction);
                T answer = await body(tx);
                committing = true;
                await transaction.CommitAsync(CancellationToken.None);
                return answer;
            }
            catch (Exception e) when (attempt < MaxAttempts && (Failure.IsConflict(e) || (!committing && Failure.IsSameKey(e))))
            {
                Log.Retried(_logger, Name, ((PostgresException)e).SqlState, attempt);
            }
            catch (Exception e) when (IsDriver(e) && committing && !Failure.IsConflict(e))
            {
                // Also a server's own "terminating" may come after the commit was made: only a conflict says that it was not.
                Log.Ambiguous(_logger, e, Name);
                throw Failure.ToUnknownCommit(e, Name);
            }
            catch (Exception e) when (IsDriver(e))
            {
                throw Failure.ToException(e, Name);
            }
        }
    }

    /// <summary>Makes one trip that is a transaction by itself; returns once it is committed.</summary>
    /// <param name="fill">Adds the statements. Called again when another transaction was in the way.</param>
    /// <returns>False when the server refused one of them, or could not be asked: nothing of it has happened.</returns>
    /// <exception cref="UnknownCommitException">The connection broke, so it may have happened.</exception>
    public async ValueTask<bool> TryAtOnceAsync(Action<RoundTrip> fill)
    {
        ThrowIfClosed();
        for (int attempt = 1; ; attempt++)
        {
            NpgsqlConnection connection;
            try
            {
                connection = await _source.OpenConnectionAsync();
            }
            catch (Exception e) when (IsDriver(e))
            {
                return false;
            }

            await using (connection)
            {
                await using RoundTrip trip = new Tx(connection, Sql, CancellationToken.None).RoundTrip();
                fill(trip);
                try
                {
                    await trip.SendAsync();
                    return true;
                }
                catch (Exception e) when (attempt < MaxAttempts && Failure.IsConflict(e))
                {
                    Log.Retried(_logger, Name, ((PostgresException)e).SqlState, attempt);
                }
                catch (Exception e) when (Failure.IsConflict(e) || (!trip.IsAnswered && Failure.IsRolledBack(e)))
                {
                    return false;
                }
                catch (Exception e) when (IsDriver(e))
                {
                    Log.Ambiguous(_logger, e, Name);
                    throw Failure.ToUnknownCommit(e, Name);
                }
            }
        }
    }

    /// <summary>A session past any pooler, to be kept; the caller closes it.</summary>
    public async ValueTask<NpgsqlConnection> OpenSessionAsync(CancellationToken cancellationToken)
    {
        if (_direct is null)
            return await _source.OpenConnectionAsync(cancellationToken);
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(_direct) { Pooling = false, ApplicationName = ApplicationName }.ConnectionString);
        try
        {
            await connection.OpenAsync(cancellationToken);
            return connection;
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
    }

    public void ThrowIfClosed()
    {
        if (_closed)
            throw new StoreException(StoreFailure.Closed, $"The store on '{Name}' was closed. Open it again.");
    }

    public async ValueTask DisposeAsync()
    {
        if (_closed)
            return;
        _closed = true;
        if (_owned)
            await _source.DisposeAsync();
    }

    /// <summary>What the driver and the network throw, and nothing of Steward's own.</summary>
    public static bool IsDriver(Exception error) =>
        error is NpgsqlException or System.Net.Sockets.SocketException or IOException or TimeoutException
        || (error is ObjectDisposedException or InvalidOperationException && error is not JournalException && error.Source == "Npgsql");

    /// <summary>Of several hosts, the one that is the primary now: a failover is followed.</summary>
    internal static NpgsqlDataSource Source(PostgresStoreOptions options)
    {
        NpgsqlConnectionStringBuilder settings = Settings(options);
        if (settings.Host?.Contains(',', StringComparison.Ordinal) != true)
            return NpgsqlDataSource.Create(settings);
        settings.TargetSessionAttributes = null;
        return new NpgsqlDataSourceBuilder(settings.ConnectionString).BuildMultiHost().WithTargetSession(TargetSessionAttributes.Primary);
    }

    private static NpgsqlConnectionStringBuilder Settings(PostgresStoreOptions options)
    {
        NpgsqlConnectionStringBuilder settings = new(options.ConnectionString);
        settings.ApplicationName ??= ApplicationName;
        // Nothing is left in a session: locks and settings are those of transactions. A borrower tidies up (LentTransaction).
        settings.NoResetOnClose = true;
        if (options.Pooled)
            return settings;

        if (settings.MaxAutoPrepare == 0)
            settings.MaxAutoPrepare = 64;
        string own = $"-c {Timeout(options)} -c default_transaction_isolation=read\\ committed";
        settings.Options = settings.Options is { Length: > 0 } given ? $"{own} {given}" : own;
        return settings;
    }

    /// <summary>Takes out of a session what a lent transaction may have left there.</summary>
    private sealed class Tidy(NpgsqlConnection connection) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            try
            {
                await using NpgsqlCommand reset = new(
                    "SET SESSION AUTHORIZATION DEFAULT; RESET ALL; CLOSE ALL; UNLISTEN *; SELECT pg_advisory_unlock_all(); DISCARD SEQUENCES; DISCARD TEMP",
                    connection);
                await reset.ExecuteNonQueryAsync();
            }
            catch (Exception e) when (IsDriver(e))
            {
                NpgsqlConnection.ClearPool(connection); // So that nobody gets it as it is.
            }
        }
    }

    private static string Timeout(PostgresStoreOptions options) =>
        string.Create(
            CultureInfo.InvariantCulture, $"idle_in_transaction_session_timeout={options.TransactionTimeout.TotalMilliseconds:0}");
}
