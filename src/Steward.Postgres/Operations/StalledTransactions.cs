using Steward.Postgres.Data;

namespace Steward.Postgres.Operations;

/// <summary>Transactions that arrived in part: their node froze, or was parted from the database, while it sent
/// them. The server waits for the rest with all locks held, and no timeout of its own ends that.</summary>
internal static class StalledTransactions
{
    /// <summary>Ends the sessions that have held the control lock for longer than a
    /// transaction may take, and wait for their client in the middle of it.</summary>
    public static void End(RoundTrip trip, TimeSpan timeout) => trip.Ask(
        """
        SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
        WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND ((l.classid::bigint << 32) | l.objid::bigint) = $1 AND l.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database())
            AND a.pid <> pg_backend_pid() AND a.usename = current_user AND a.state = 'active' AND a.wait_event = 'ClientRead' AND a.xact_start < clock_timestamp() - $2
        """,
        null,
        trip.Sql.ControlLock, timeout);
}
