using Npgsql;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Limits over all nodes. A change takes the control lock alone; the start of a call shares it, so that it sees the limits that
/// hold.</summary>
/// <remarks>
/// What is checked is counted, never kept as a number beside: the slots stand in the rows of the runs that hold
/// them. Two that check the same limit go one after the other, under its lock, and only where there is a limit.
/// </remarks>
internal static class Concurrency
{
    public const string All = "SELECT scope, runs, queue, calls FROM steward.concurrency_limit";

    /// <summary>A worker holds it, and its lease has not expired.</summary>
    public const string Leased =
        "r.worker IS NOT NULL AND (r.claimable_at > (SELECT steward.now()) OR EXISTS (SELECT 1 FROM steward.node w WHERE w.name = r.worker AND w.expires_at > (SELECT steward.now())))";

    /// <summary>Claimable, or waiting for its turn in a session.</summary>
    private static readonly string s_queue = $"""
        SELECT r.tenant FROM steward.run r WHERE r.worker IS NULL AND r.claimable_at <= (SELECT steward.now())
        UNION ALL
        SELECT r.tenant FROM steward.run r WHERE r.worker IN (SELECT w.name FROM steward.node w WHERE w.expires_at <= (SELECT steward.now())) AND r.claimable_at <= (SELECT steward.now())
        UNION ALL
        SELECT r.tenant FROM steward.run r WHERE r.queued AND r.worker IS NULL AND r.claimable_at IS NULL
            AND r.status NOT IN {StatusSql.Ended}
        """;

    public static LimitScope ScopeOf(NpgsqlDataReader r) => new(r.GetString(0));

    public static Limits LimitsOf(NpgsqlDataReader r) =>
        new() { RunsAtOnce = r.Int32OrNull(1), Queue = r.Int32OrNull(2), CallsAtOnce = r.Int32OrNull(3) };

    public static async Task<bool> SetAsync(Tx tx, LimitScope scope, Limits limits)
    {
        await Switches.TakeAloneAsync(tx);
        await tx.ExecuteAsync("DELETE FROM steward.concurrency_limit WHERE scope = $1", scope.Key);
        if (limits != Limits.None)
            await tx.ExecuteAsync(
                "INSERT INTO steward.concurrency_limit (scope, runs, queue, calls) VALUES ($1, $2, $3, $4)",
                scope.Key,
                limits.RunsAtOnce,
                limits.Queue,
                limits.CallsAtOnce);
        return true;
    }

    public static async Task<IReadOnlyList<LimitInfo>> ListAsync(Tx tx)
    {
        LimitTable table = await TableAsync(tx);
        List<(string Tenant, int Runs, int Queue)> tenants = await tx.AllAsync(
            $"""
            SELECT tenant, sum(leased)::integer, sum(queue)::integer FROM (
                SELECT r.tenant AS tenant, 1 AS leased, 0 AS queue FROM steward.run r WHERE {Leased}
                UNION ALL
                SELECT q.tenant, 0, 1 FROM ({s_queue}) AS q) AS load
            GROUP BY tenant
            """,
            static r => (r.GetString(0), r.GetInt32(1), r.GetInt32(2)));
        return table.List(tenants, (await SlotsAsync(tx)).SelectMany(run => run.Slots));
    }

    /// <summary>Locks the tools whose calls are about to start, in one order everywhere, then loads the calls in flight of all
    /// runs.</summary>
    public static async Task<List<(long Run, IReadOnlyList<ToolSlot> Slots)>> LockToolsAsync(Tx tx, IEnumerable<string> tools)
    {
        foreach (string tool in tools.Order(StringComparer.Ordinal))
            await LockAsync(tx, LimitScope.ForTool(tool));
        return await SlotsAsync(tx);
    }

    /// <summary>Whether a root run may be started. Null when it may; the answer holds until the transaction ends.</summary>
    public static async Task<QueueFull?> CheckQueueAsync(Tx tx, string tenant)
    {
        LimitTable table = await TableAsync(tx);
        if (!table.LimitsQueue)
            return null;
        if (table.QueueOf(tenant) is not null)
            await LockAsync(tx, LimitScope.ForTenant(tenant));
        if (table.QueueOfAll is not null)
            await LockAsync(tx, LimitScope.Global);
        (int ofTenant, int ofAll) = await tx.FirstAsync(
            $"SELECT (count(*) FILTER (WHERE q.tenant = $1))::integer, count(*)::integer FROM ({s_queue}) AS q",
            static r => (r.GetInt32(0), r.GetInt32(1)), tenant);
        return table.CheckQueue(tenant, ofTenant, ofAll);
    }

    /// <summary>Claims go one after the other for as long as runs are limited; otherwise nobody waits for anybody.</summary>
    public static void LockClaims(RoundTrip trip)
    {
        Switches.Share(trip); // Setting a first limit waits for the claims that do not know it.
        trip.Ask(
            "SELECT pg_advisory_xact_lock(hashtextextended($1 || 'claims', 0)) WHERE EXISTS (SELECT 1 FROM steward.concurrency_limit WHERE runs IS NOT NULL)",
            null,
            trip.Sql.LimitPrefix);
    }

    private static async Task<LimitTable> TableAsync(Tx tx) =>
        new(await tx.AllAsync(All, static r => KeyValuePair.Create(ScopeOf(r), LimitsOf(r))));

    private static Task<List<(long Run, IReadOnlyList<ToolSlot> Slots)>> SlotsAsync(Tx tx) => tx.AllAsync(
        $"SELECT r.id, r.slots FROM steward.run r WHERE r.slots IS NOT NULL AND {Leased}", static r =>
            (r.GetInt64(0), SlotRules.Read(r.GetString(1))));

    private static Task<int> LockAsync(Tx tx, LimitScope scope) =>
        tx.ExecuteAsync("SELECT pg_advisory_xact_lock(hashtextextended($1 || $2, 0))", tx.Sql.LimitPrefix, scope.Key);
}
