using Npgsql;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Leases: taking and prolonging them, by the database's clock alone.</summary>
/// <remarks>
/// A run is claimable when its <c>claimable_at</c> has come. A claim moves that to the end of the lease, so an expired
/// lease makes the run claimable without anybody having to notice. Expiry alone fences nobody: only the next claim does.
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

    // The one that is asked for by its id is waited for; of the others, those that somebody else is about to take are passed over.
    private static readonly string s_one = Take("r.uuid = $4", "FOR UPDATE");
    private static readonly string s_any = Take("$4::uuid IS NULL", "FOR UPDATE SKIP LOCKED");

    public static Task<Claim?> TakeAsync(Tx tx, ClaimRequest request) => tx.FirstAsync(
        request.Run is null ? s_any : s_one,
        r => Read(r, request.Worker),
        request.Worker, request.Duration, request.Agents?.ToArray(), request.Run?.Value);

    public static async Task<RenewResult> RenewAsync(Tx tx, Lease lease, TimeSpan duration)
    {
        RunRow? run = await tx.FirstAsync(
            $"UPDATE steward.run r SET claimable_at = steward.now() + $4 WHERE r.uuid = $1 AND r.epoch = $2 AND r.worker = $3 RETURNING {RunRow.Columns}",
            RunRow.Read,
            lease.Run.Value, lease.Epoch, lease.Worker, duration);
        if (run is null)
            return new RenewResult(Held: false, SignalsPending: false, Killed: null);
        bool pending = await tx.FirstAsync("SELECT EXISTS (SELECT 1 FROM steward.signal WHERE run = $1 AND consumed IS NULL)", static r => r.GetBoolean(0), run.Id);
        return new RenewResult(Held: true, pending, Gate.FindSwitch(await Switches.AllAsync(tx), run.Run, run.Tenant, run.Agent, run.Ancestors));
    }

    private static Claim Read(NpgsqlDataReader r, string worker)
    {
        RunRow run = RunRow.Read(r);
        const int Amounts = RunRow.ColumnCount;
        const int Snapshot = Amounts + 8;
        return new Claim
        {
            Lease = new Lease(run.Run, run.Epoch, worker),
            Info = run.ToInfo(BudgetRows.Amount(r, Amounts), BudgetRows.Amount(r, Amounts + 4)),
            Attempt = run.Attempts,
            Snapshot = r.IsDBNull(Snapshot) ? null : new RunSnapshot(r.GetInt64(Snapshot), r.GetInt32(Snapshot + 1), r.Bytes(Snapshot + 2)),
        };
    }

    private static string Take(string which, string how) => $"""
        WITH n AS MATERIALIZED (SELECT steward.now() AS at),
        found AS MATERIALIZED (
            SELECT r.id FROM steward.run r
            WHERE {which} AND r.claimable_at <= (SELECT at FROM n) AND ($3::text[] IS NULL OR r.agent = ANY($3))
              AND (NOT EXISTS ({SwitchOver}) OR EXISTS ({Pending}))
            ORDER BY r.claimable_at, r.id LIMIT 1 {how}),
        r AS (
            UPDATE steward.run t SET epoch = t.epoch + 1, worker = $1, attempts = t.attempts + 1, claimable_at = n.at + $2, updated_at = n.at
            FROM found, n WHERE t.id = found.id RETURNING t.*)
        SELECT {RunRow.Columns}, {BudgetRows.Amounts}, p.seq, p.version, p.data
        FROM r LEFT JOIN steward.budget b ON {BudgetRows.OfRun} LEFT JOIN steward.snapshot p ON p.run = r.id
        """;
}
