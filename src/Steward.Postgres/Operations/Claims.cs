using Npgsql;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Leases: taking and prolonging them, by the database's clock alone.</summary>
/// <remarks>
/// A node's row is the lease of all of its runs, so that a sign of life writes one row however many they are. A claim writes its own end into the
/// run's <c>claimable_at</c>: until then the run is its worker's in any case, afterwards for as long as the node's row lasts. A run that its
/// worker has given up without a word is let go by that worker's next sign of life. Expiry alone fences nobody: only the next claim does.
/// </remarks>
internal static class Claims
{
    /// <summary>The engaged switches over a run, as <see cref="KillSwitch.Covers(RunId, string, string, IReadOnlyList{RunId}?)"/> says it.</summary>
    private const string SwitchOver = """
        SELECT 1 FROM steward.kill_switch k
        WHERE k.scope IN ('global', 'tenant:' || r.tenant, 'agent:' || r.agent, 'run:' || replace(r.uuid::text, '-', ''))
           OR k.scope IN (SELECT 'run:' || replace(a::text, '-', '') FROM unnest(r.ancestors) AS a)
        """;

    private const string Pending = "SELECT 1 FROM steward.signal s WHERE s.run = r.id AND s.consumed IS NULL";

    private const string Due = $"""
        r.claimable_at <= (SELECT at FROM n) AND ($3::text[] IS NULL OR r.agent = ANY($3))
            AND ($4::text[] IS NULL OR r.claimable_at <= (SELECT at FROM n) - $5 OR r.agent || chr(10) || r.version = ANY($4))
            AND (NOT EXISTS ({SwitchOver}) OR EXISTS ({Pending}))
        """;

    /// <summary>How many runs a tenant, and all tenants together, may have leased; null where nothing says so.</summary>
    private const string MostOfTenant = "coalesce((SELECT l.runs FROM steward.concurrency_limit l WHERE l.scope = 'tenant:' || r.tenant), (SELECT l.runs FROM steward.concurrency_limit l WHERE l.scope = 'tenant:*'))";
    private const string Held = $"SELECT r.tenant FROM steward.run r WHERE {Concurrency.Leased}";
    private const string MostOfAll = "(SELECT l.runs FROM steward.concurrency_limit l WHERE l.scope = 'global')";

    private const string Columns = "r.id, r.tenant, r.claimable_at";

    private const int AmountsColumn = RunRow.ColumnCount;
    private const int SnapshotColumn = AmountsColumn + 8;
    private const int LookedColumn = SnapshotColumn + 3;

    // The one that is asked for by its id is waited for; of the others, those that somebody else is about to take are passed over.
    private const string One = $"""
        WITH n AS MATERIALIZED (SELECT steward.now() AS at),
        found AS MATERIALIZED (
            SELECT r.id, 1::bigint AS turn, r.claimable_at AS due FROM steward.run r
            WHERE r.uuid = $6 AND {Due} AND (r.worker IS NULL OR NOT EXISTS (SELECT 1 FROM steward.node w WHERE w.name = r.worker AND w.expires_at > (SELECT at FROM n)))
                AND coalesce((SELECT count(*) FROM ({Held}) AS o WHERE o.tenant = r.tenant) < {MostOfTenant}, true)
                AND coalesce((SELECT count(*) FROM ({Held}) AS o) < {MostOfAll}, true)
            FOR UPDATE OF r),
        """ + Taken + "'' AS looked" + From;

    /// <remarks>
    /// The window is what is due for longest. Only when it is full are tenants looked for that are not in it: by jumps from one tenant to the next
    /// in the index, a bounded number of them, beginning where the last claim ended.
    /// </remarks>
    private const string Ranked = $"""
        WITH RECURSIVE n AS MATERIALIZED (SELECT steward.now() AS at),
        dead AS MATERIALIZED (SELECT w.name FROM steward.node w WHERE w.expires_at <= (SELECT at FROM n)),
        due AS MATERIALIZED (
            (SELECT {Columns} FROM steward.run r WHERE r.worker IS NULL AND {Due} ORDER BY r.claimable_at, r.id LIMIT $6)
            UNION ALL
            (SELECT {Columns} FROM steward.run r WHERE r.worker IN (SELECT name FROM dead) AND {Due} ORDER BY r.claimable_at, r.id LIMIT $6)),
        looked (tenant, at) AS (
            SELECT (SELECT r.tenant FROM steward.run r WHERE r.worker IS NULL AND r.claimable_at IS NOT NULL AND r.tenant > $7 ORDER BY r.tenant LIMIT 1), 1
            WHERE (SELECT count(*) FROM due) >= $6
            UNION ALL
            SELECT (SELECT r.tenant FROM steward.run r WHERE r.worker IS NULL AND r.claimable_at IS NOT NULL AND r.tenant > l.tenant ORDER BY r.tenant LIMIT 1), l.at + 1
            FROM looked l WHERE l.tenant IS NOT NULL AND l.at < $8),
        more AS (
            SELECT m.* FROM looked l CROSS JOIN LATERAL (
                SELECT {Columns} FROM steward.run r WHERE r.tenant = l.tenant AND r.worker IS NULL AND {Due} ORDER BY r.claimable_at, r.id LIMIT $9) m
            WHERE l.tenant NOT IN (SELECT d.tenant FROM due d)),
        leased AS (SELECT h.tenant, count(*) AS runs FROM ({Held}) AS h GROUP BY h.tenant),
        turns AS (
            SELECT r.id, r.claimable_at, {MostOfTenant} AS most, coalesce(w.runs, 0) + row_number() OVER (PARTITION BY r.tenant ORDER BY r.claimable_at, r.id) AS turn
            FROM (SELECT * FROM due UNION ALL SELECT * FROM more) r LEFT JOIN leased w ON w.tenant = r.tenant)
        """;

    private const string LookedAt = "coalesce((SELECT l.tenant FROM looked l ORDER BY l.at DESC LIMIT 1), '') AS looked";

    private const string InTurns = $"""
        (t.most IS NULL OR t.turn <= t.most)
            ORDER BY t.turn, t.claimable_at, t.id LIMIT greatest(0, least($9, {MostOfAll} - (SELECT coalesce(sum(runs), 0) FROM leased)))
        """;

    private const string List = Ranked + $"""

        SELECT d.uuid, {LookedAt} FROM (VALUES (1)) AS always LEFT JOIN (SELECT r.uuid FROM turns t JOIN steward.run r ON r.id = t.id WHERE {InTurns}) AS d ON true
        """;

    private const string Next = Ranked + $"""
        ,
        found AS MATERIALIZED (
            SELECT r.id, t.turn, t.claimable_at AS due FROM turns t JOIN steward.run r ON r.id = t.id
            WHERE r.claimable_at <= (SELECT at FROM n) AND (r.worker IS NULL OR r.worker IN (SELECT name FROM dead)) AND {InTurns} FOR UPDATE OF r SKIP LOCKED),
        """ + Taken + LookedAt + From;

    private const string Taken = $"""

        taken AS (
            UPDATE steward.run t SET epoch = t.epoch + 1, worker = $1, attempts = t.attempts + 1, claimable_at = n.at + $2, updated_at = n.at
            FROM found, n WHERE t.id = found.id RETURNING t.*),
        sign AS (
            INSERT INTO steward.node AS w (name, expires_at, started_at) SELECT $1, n.at + $2, n.at FROM n WHERE EXISTS (SELECT 1 FROM found)
            ON CONFLICT (name) DO UPDATE SET expires_at = greatest(w.expires_at, excluded.expires_at))
        SELECT {RunRow.Columns}, {BudgetRows.Amounts}, p.seq, p.version, p.data,{" "}
        """;

    private const string From = $"""

        FROM (VALUES (1)) AS always LEFT JOIN (taken r JOIN found f ON f.id = r.id) ON true LEFT JOIN steward.budget b ON {BudgetRows.OfRun} LEFT JOIN steward.snapshot p ON p.run = r.id
        ORDER BY f.turn, f.due, r.id
        """;

    /// <param name="tx">The transaction.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="after">The tenant at which the last claim of this node ended its look beyond the window.</param>
    /// <returns>The claims with their runs' rows, and where the look ended; that also where nothing was claimed, so that the next look goes on after it.</returns>
    public static async Task<(List<(Claim Claim, RunRow Row)> Taken, string Looked)> TakeAsync(Tx tx, ClaimRequest request, string after)
    {
        object?[] values = request.Run is { } run ? [.. About(request), run.Value] : [.. About(request), .. Window(request, after)];
        List<(Claim Claim, RunRow Row)> taken = [];
        string looked = "";
        await using Trip trip = tx.Trip();
        Concurrency.LockClaims(trip);
        trip.Ask(
            request.Run is null ? Next : One,
            r =>
            {
                looked = r.GetString(LookedColumn);
                if (!r.IsDBNull(0))
                    taken.Add(Read(r, request.Worker));
            },
            values);
        await trip.GoAsync();
        return (taken, looked);
    }

    /// <summary>What <see cref="TakeAsync"/> would take, and where the look ended.</summary>
    public static async Task<(IReadOnlyList<RunId> Runs, string Looked)> ListAsync(Tx tx, ClaimRequest request, string after)
    {
        List<(RunId? Run, string Looked)> due = await tx.AllAsync(List, static r => (r.IsDBNull(0) ? (RunId?)null : new RunId(r.GetGuid(0)), r.GetString(1)), [.. About(request), .. Window(request, after)]);
        return ([.. due.Select(d => d.Run).OfType<RunId>()], due[0].Looked);
    }

    public static async Task<IReadOnlyList<Lease>> RenewAsync(Tx tx, string worker, IReadOnlyCollection<Lease> leases, TimeSpan duration)
    {
        HashSet<Lease> held = [];
        await using Trip trip = tx.Trip();
        trip.Do(
            "UPDATE steward.run SET worker = NULL WHERE worker = $1 AND claimable_at <= steward.now() AND NOT uuid = ANY($2)",
            worker, leases.Select(l => l.Run.Value).ToArray());
        trip.Do(
            "INSERT INTO steward.node (name, expires_at, started_at) SELECT $1, n.at + $2, n.at FROM (SELECT steward.now() AS at) AS n ON CONFLICT (name) DO UPDATE SET expires_at = excluded.expires_at",
            worker, duration);
        trip.Do("DELETE FROM steward.node w WHERE w.expires_at < steward.now() - interval '1 day' AND NOT EXISTS (SELECT 1 FROM steward.run r WHERE r.worker = w.name)");
        trip.Ask("SELECT uuid, epoch FROM steward.run WHERE worker = $1", r => held.Add(new Lease(new RunId(r.GetGuid(0)), r.GetInt64(1), worker)), worker);
        await trip.GoAsync();
        return [.. leases.Where(held.Contains)];
    }

    private static object?[] About(ClaimRequest request) =>
        [request.Worker, request.Duration, request.Agents?.ToArray(), request.Versions?.Select(v => $"{v.Agent}\n{v.Version}").ToArray(), request.VersionPatience];

    private static object[] Window(ClaimRequest request, string after) => [Math.Max(FairShare.Window, request.Max), after, FairShare.Tenants, request.Max];

    private static (Claim Claim, RunRow Row) Read(NpgsqlDataReader r, string worker)
    {
        RunRow run = RunRow.Read(r);
        var claim = new Claim
        {
            Lease = new Lease(run.Run, run.Epoch, worker),
            Info = run.ToInfo(BudgetRows.Amount(r, AmountsColumn), BudgetRows.Amount(r, AmountsColumn + 4)),
            Attempt = run.Attempts,
            Snapshot = r.IsDBNull(SnapshotColumn) ? null : new RunSnapshot(r.GetInt64(SnapshotColumn), r.GetInt32(SnapshotColumn + 1), r.Bytes(SnapshotColumn + 2)),
        };
        return (claim, run);
    }
}
