using Npgsql;
using Steward.Storage;

namespace Steward.Postgres.Data;

/// <summary>A commit was sent and its answer never came: nobody knows.</summary>
internal sealed class UnknownCommitException(string message, Exception innerException)
    : StoreException(StoreFailure.Io, message, innerException);

/// <summary>What PostgreSQL and its driver say, as the contract says it.</summary>
internal static class Failure
{
    /// <summary>Whether another transaction was in the way, so that this one was certainly rolled back and may be made again.</summary>
    public static bool IsConflict(Exception error) =>
        error is PostgresException { SqlState: PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected };

    /// <summary>Whether the server itself says that a statement failed, so that its transaction is
    /// certainly rolled back. What ends the session (FATAL) says nothing of a commit.</summary>
    public static bool IsRolledBack(Exception error) => error is PostgresException { InvariantSeverity: "ERROR" };

    /// <summary>Whether somebody else has just inserted the same key; made again, the operation finds it.</summary>
    public static bool IsSameKey(Exception error) => error is PostgresException { SqlState: PostgresErrorCodes.UniqueViolation };

    public static UnknownCommitException ToUnknownCommit(Exception error, string database) =>
        new(
            $"The database '{database}' lost its connection while a commit was under way. It may or may not have happened: read it back. PostgreSQL said: {error.Message}",
            error);

    public static Exception ToException(Exception error, string database)
    {
        return error switch
        {
            PostgresException { SqlState: PostgresErrorCodes.CharacterNotInRepertoire or PostgresErrorCodes.UntranslatableCharacter } e =>
                new ArgumentException(
                    $"PostgreSQL keeps no text with the character U+0000; take it out of names, ids and reasons. It said: {e.Message}",
                    e),
            PostgresException e => Of(e),
            _ when IsPoolExhausted(error) => Make(
                StoreFailure.Busy,
                "has no connection left for this: all of the pool are in use. Raise 'Maximum Pool Size', or run less at once"),
            NpgsqlException { InnerException: TimeoutException } => Make(
                StoreFailure.Busy,
                "did not answer in time. Look for a transaction that holds a lock (pg_stat_activity), or raise 'Command Timeout'"),
            _ => Make(StoreFailure.Io, "cannot be reached. Check that it runs and that the connection string names it"),
        };

        StoreException Of(PostgresException e) => e.SqlState switch
        {
            PostgresErrorCodes.ReadOnlySqlTransaction => Make(
                StoreFailure.ReadOnly,
                "is read-only: a standby, or a primary that was set so. Connect to the primary (Target Session Attributes=primary)"),
            PostgresErrorCodes.InsufficientPrivilege =>
                Make(StoreFailure.ReadOnly, "does not let this user write. Grant it the schema and its tables"),
            PostgresErrorCodes.DiskFull => Make(StoreFailure.Full, "is full. Free room and go on; nothing that was acknowledged is lost"),
            PostgresErrorCodes.TooManyConnections
                or PostgresErrorCodes.LockNotAvailable
                or PostgresErrorCodes.QueryCanceled
                or PostgresErrorCodes.OutOfMemory
                or PostgresErrorCodes.SerializationFailure or PostgresErrorCodes.DeadlockDetected =>
                    Make(StoreFailure.Busy, "is too busy for this. Try again, or give it fewer clients"),
            PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted =>
                Make(StoreFailure.Corrupt, "is damaged. Restore it from a backup"),
            PostgresErrorCodes.ProtocolViolation when e.MessageText.Contains("startup parameter", StringComparison.Ordinal) =>
                Make(
                    StoreFailure.Io,
                    "is behind a pooler that takes no startup options. Set PostgresStoreOptions.Pooled, or connect past the pooler"),
            PostgresErrorCodes.InvalidSqlStatementName or PostgresErrorCodes.DuplicatePreparedStatement =>
                Make(
                    StoreFailure.Io,
                    "has lost what this session kept: it is behind a pooler in transaction mode. Set PostgresStoreOptions.Pooled"),
            PostgresErrorCodes.ProgramLimitExceeded => Make(StoreFailure.TooLarge, "does not take a value that large. Lower StoreLimits"),
            _ => Make(StoreFailure.Io, "failed"),
        };

        StoreException Make(StoreFailure failure, string what) =>
            new(failure, $"The database '{database}' {what}. PostgreSQL said: {error.Message}", error);
    }

    private static bool IsPoolExhausted(Exception error) =>
        error is NpgsqlException { InnerException: TimeoutException } && error.Message.Contains("pool", StringComparison.OrdinalIgnoreCase);
}
