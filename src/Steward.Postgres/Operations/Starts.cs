using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>New runs.</summary>
internal static class Starts
{
    private static readonly string s_activeOf = $$"""
        SELECT {{RunRows.Columns}} FROM steward.run r
        WHERE r.tenant = $1 AND r.session = $2 AND r.ancestors = '{}' AND r.status NOT IN {{StatusSql.Ended}} ORDER BY r.id
        """;

    public static async Task<StartResult> RunAsync(Tx tx, RunStart start, int inlinePayload)
    {
        RunStarted started = start.Started;
        if (started.Key is { } key && await FindKeyAsync(tx, started.Tenant, key) is { } existing)
            return new StartResult(existing, Created: false);
        (string? tenant, string? sameKey, bool limited) = await FindStartAsync(tx, start.Run);
        if (tenant is not null)
            return StartRules.Again(start, tenant, sameKey);
        List<RunRecord> active = await ActiveBeforeAsync(tx, start, started);
        if (StartRules.Refuse(start, active) is { } busy)
            return busy;
        if (limited && StartRules.IsCounted(start) && await Concurrency.CheckQueueAsync(tx, started.Tenant) is { } full)
            return new StartResult(start.Run, Created: false) { Full = full };
        foreach (Signal cancel in StartRules.Cancels(start, active))
            await Inbox.PutAsync(tx, cancel, StoreJson.Write(cancel.Body));

        await InsertAsync(tx, start, started, queued: active.Count > 0, inlinePayload);
        await BudgetRows.SetCeilingsAsync(tx, BudgetScope.ForRun(start.Run), started.Ceilings);
        if (started.Session is { } session)
            await BudgetRows.OpenCeilingsAsync(
                tx, BudgetScope.ForSession(started.Tenant, session), start.SessionCeilings ?? BudgetCeilings.None);
        return new StartResult(start.Run, Created: true);
    }

    /// <summary>When a run of a session has ended, the next in its queue begins. The caller holds the session's lock.</summary>
    public static async Task AdvanceAsync(Tx tx, RunRecord ended)
    {
        if (StartRules.IsOfSession(ended)
            && StartRules.Next(await tx.AllAsync(s_activeOf + " LIMIT 1", RunRows.Read, ended.Tenant, ended.Session)) is { } next)
            await tx.ExecuteAsync(
                "UPDATE steward.run SET queued = false, claimable_at = CASE WHEN worker IS NULL THEN steward.now() ELSE claimable_at END WHERE id = $1",
                next.Id);
    }

    /// <summary>Locks the sessions in which runs are about to end: before their rows, as every start of a run in one does.</summary>
    public static void LockSessions(RoundTrip trip, Guid[] ending) => trip.Ask(
        """
        SELECT pg_advisory_xact_lock(k) FROM (
            SELECT DISTINCT hashtextextended($1 || r.tenant || '/' || r.session, 0) AS k
            FROM steward.run r WHERE r.uuid = ANY($2) AND r.session IS NOT NULL AND r.ancestors = '{}' ORDER BY 1) AS s
        """,
        null,
        trip.Sql.SessionPrefix, ending);

    private static async Task<List<RunRecord>> ActiveBeforeAsync(Tx tx, RunStart start, RunStarted started)
    {
        if (!StartRules.IsOfSession(start))
            return [];

        // Also a run beside the others takes the lock, so that the next one's question which are active has one answer.
        await tx.ExecuteAsync(
            "SELECT pg_advisory_xact_lock(hashtextextended($1 || $2 || '/' || $3, 0))",
            tx.Sql.SessionPrefix,
            started.Tenant,
            started.Session);
        return StartRules.HeedsOthers(start) ? await tx.AllAsync(s_activeOf, RunRows.Read, started.Tenant, started.Session) : [];
    }

    private static async Task InsertAsync(Tx tx, RunStart start, RunStarted started, bool queued, int inlinePayload)
    {
        long id = await tx.FirstAsync(
            $"""
            INSERT INTO steward.run (uuid, tenant, user_name, session, agent, version, client_key, status, reason,
                head, head_hash, claimable_at, created_at, updated_at, ancestors, queued, labels)
            SELECT $1, $2, $3, $4, $5, $6, $7, {StatusSql.Begun},
                $8, $9, CASE WHEN $11 THEN NULL ELSE n.at END, n.at, n.at, $10, $11, $12::jsonb
            FROM (SELECT steward.now() AS at) AS n
            RETURNING id
            """,
            static r => r.GetInt64(0),
            start.Run.Value, started.Tenant, started.User, started.Session, started.Agent, started.AgentVersion, started.Key,
            start.Last.Sequence, start.Last.Hash.ToArray(), (started.Parent?.Ancestors ?? []).Select(a => a.Value).ToArray(), queued,
            StoreJson.Write(started.Labels));

        await using RoundTrip trip = tx.RoundTrip();
        if (Blob.IsHash(started.DefinitionHash))
            EventRows.Name(trip, [Convert.FromHexString(started.DefinitionHash)]);
        EventRows.Insert(
            trip,
            [(id, start.Entry), .. start.Copied.Select(entry => (id, entry))],
            start.Definition is { } definition ? [definition] : [],
            inlinePayload);
        await trip.SendAsync();
    }

    private static Task<RunId?> FindKeyAsync(Tx tx, string tenant, string key) =>
        tx.FirstAsync(
            "SELECT uuid FROM steward.run WHERE tenant = $1 AND client_key = $2", static r => (RunId?)new RunId(r.GetGuid(0)), tenant, key);

    /// <summary>What is there under the run's id already, and whether any queue has a limit.</summary>
    private static Task<(string? Tenant, string? Key, bool Limited)> FindStartAsync(Tx tx, RunId run) => tx.FirstAsync(
        """
        SELECT r.tenant, r.client_key, EXISTS (SELECT 1 FROM steward.concurrency_limit WHERE queue IS NOT NULL)
        FROM (SELECT $1::uuid AS uuid) AS wanted LEFT JOIN steward.run r ON r.uuid = wanted.uuid
        """,
        static r => (r.TextOrNull(0), r.TextOrNull(1), r.GetBoolean(2)),
        run.Value);
}
