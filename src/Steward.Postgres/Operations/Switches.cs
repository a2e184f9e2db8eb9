using System.Globalization;
using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Kill switches and ceilings. A change takes the control lock alone; the start of an effect shares it. Once a change has
/// committed, no effect starts on any node that did not see it.</summary>
internal static class Switches
{
    public const string All = "SELECT scope, by, reason, at FROM steward.kill_switch ORDER BY scope";

    public static KillSwitch Read(NpgsqlDataReader r) =>
        new(
            r.GetString(0),
            r.GetString(1),
            r.TextOrNull(2),
            DateTimeOffset.Parse(r.GetString(3), CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind));

    public static Task<List<KillSwitch>> AllAsync(Tx tx) => tx.AllAsync(All, Read);

    public static void Share(RoundTrip trip) => trip.Ask("SELECT pg_advisory_xact_lock_shared($1)", null, trip.Sql.ControlLock);

    public static async Task<bool> EngageAsync(Tx tx, KillSwitch killSwitch)
    {
        await TakeAloneAsync(tx);
        return await tx.ExecuteAsync(
            "INSERT INTO steward.kill_switch (scope, by, reason, at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
            killSwitch.Scope, killSwitch.By, killSwitch.Reason, killSwitch.At.ToString("o", CultureInfo.InvariantCulture)) == 1;
    }

    public static async Task<bool> ReleaseAsync(Tx tx, string scope)
    {
        await TakeAloneAsync(tx);
        if (await tx.ExecuteAsync("DELETE FROM steward.kill_switch WHERE scope = $1", scope) == 0)
            return false;

        // A run that parked because of the switch waits for nothing else; one that waits for more parks again.
        await tx.ExecuteAsync(
            $"""
            UPDATE steward.run SET claimable_at = steward.now() WHERE id IN (
                SELECT r.id FROM steward.run r
                WHERE r.worker IS NULL AND r.claimable_at IS NULL AND NOT r.queued AND r.status NOT IN {StatusSql.Ended}
                  AND ($1 IN ('global', 'tenant:' || r.tenant, 'agent:' || r.agent, 'run:' || replace(r.uuid::text, '-', ''))
                    OR $1 IN (SELECT 'run:' || replace(a::text, '-', '') FROM unnest(r.ancestors) AS a))
                ORDER BY r.id FOR UPDATE)
            """,
            scope);
        return true;
    }

    public static async Task<bool> SetCeilingsAsync(Tx tx, BudgetScope scope, BudgetCeilings ceilings)
    {
        await TakeAloneAsync(tx);
        await BudgetRows.SetCeilingsAsync(tx, scope, ceilings);
        return true;
    }

    public static Task<int> TakeAloneAsync(Tx tx) => tx.ExecuteAsync("SELECT pg_advisory_xact_lock($1)", tx.Sql.ControlLock);
}
