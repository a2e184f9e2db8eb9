using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>A run that may be claimed.</summary>
internal readonly record struct DueRun(long Id, RunId Run, string Tenant, DateTimeOffset At);

/// <summary>Which runs a claim takes: looks for what is due, and lets tenants take turns (<see cref="FairShare"/>).</summary>
internal static class DueRuns
{
    /// <summary>No worker holds the run, or one whose lease has expired.</summary>
    public const string IsFree =
        "(r.worker IS NULL OR NOT EXISTS (SELECT 1 FROM steward.node w WHERE w.name = r.worker AND w.expires_at > (SELECT at FROM n)))";

    private const string Now = "WITH n AS MATERIALIZED (SELECT steward.now() AS at) ";
    private const string Columns = "SELECT r.id, r.uuid, r.tenant, r.claimable_at FROM steward.run r WHERE ";

    private const string Due = """
        r.claimable_at <= (SELECT at FROM n) AND ($1::text[] IS NULL OR r.agent = ANY($1))
            AND ($2::text[] IS NULL OR r.claimable_at <= (SELECT at FROM n) - $3 OR r.agent || chr(10) || r.version = ANY($2))
        """;

    /// <summary>No switch is over the run, as <see cref="KillSwitch.Covers(RunId, string, string, IReadOnlyList{RunId}?)"/>
    /// says it, or something is in its inbox.</summary>
    private const string MayGoOn = """
         AND (NOT EXISTS (
            SELECT 1 FROM steward.kill_switch k
            WHERE k.scope IN ('global', 'tenant:' || r.tenant, 'agent:' || r.agent, 'run:' || replace(r.uuid::text, '-', ''))
               OR k.scope IN (SELECT 'run:' || replace(a::text, '-', '') FROM unnest(r.ancestors) AS a))
            OR EXISTS (SELECT 1 FROM steward.signal s WHERE s.run = r.id AND s.consumed IS NULL))
        """;

    private const string LongestDue = " ORDER BY r.claimable_at, r.id LIMIT $4";

    /// <summary>Chooses runs for a claim; they are not locked.</summary>
    /// <param name="tx">Reads.</param>
    /// <param name="request">What is wanted.</param>
    /// <param name="control">The switches and limits.</param>
    /// <param name="after">Where the last look ended.</param>
    /// <param name="spares">How many more than wanted to choose, the next ones in turn, in case others take the first ones. The holder of
    /// the lock on limited claims needs none.</param>
    /// <returns>The runs in their turns, and the tenant at which the look beyond the window ended.</returns>
    public static async Task<(List<DueRun> Chosen, string Looked)> ChooseAsync(
        Tx tx,
        ClaimRequest request,
        Control control,
        string after,
        int spares = 0)
    {
        object?[] wanted =
        [
            request.Agents?.ToArray(),
            request.Versions?.Select(v => $"{v.Agent}\n{v.Version}").ToArray(),
            request.VersionPatience,
        ];
        string mayGoOn = control.Switches.Count > 0 ? MayGoOn : "";
        int window = Math.Max(FairShare.Window, request.Max);
        List<DueRun> due = [];
        await using (RoundTrip trip = tx.RoundTrip())
        {
            if (request.Run is { } run)
            {
                trip.Ask(
                    Now + Columns + "r.uuid = $4 AND " + IsFree + " AND " + Due + mayGoOn, r => due.Add(Read(r)), [.. wanted, run.Value]);
            }
            else
            {
                trip.Ask(Now + Columns + "r.worker IS NULL AND " + Due + mayGoOn + LongestDue, r => due.Add(Read(r)), [.. wanted, window]);
                trip.Ask(
                    Now
                        + Columns
                        + "r.worker = ANY(ARRAY(SELECT w.name FROM steward.node w WHERE w.expires_at <= (SELECT at FROM n))) AND "
                        + Due
                        + mayGoOn
                        + LongestDue,
                    r => due.Add(Read(r)), [.. wanted, window]);
            }

            await trip.SendAsync();
        }

        string looked = "";
        if (due.Count >= window)
            looked = await LookFurtherAsync(tx, due, wanted, mayGoOn, after, request.Max);
        due.Sort((a, b) => (a.At, a.Id).CompareTo((b.At, b.Id)));
        return (await PickAsync(tx, due, request.Max, spares, control.Limits), looked);
    }

    /// <summary>Adds the longest due of tenants that are not in the window. Jumps from one tenant to the next in the index find a bounded
    /// number of them, beginning where the last look ended.</summary>
    private static async Task<string> LookFurtherAsync(Tx tx, List<DueRun> due, object?[] wanted, string mayGoOn, string after, int max)
    {
        List<string> tenants = await tx.AllAsync(
            """
            WITH RECURSIVE looked (tenant, at) AS (
                SELECT (SELECT r.tenant FROM steward.run r WHERE r.worker IS NULL AND r.claimable_at IS NOT NULL AND r.tenant > $1 ORDER BY r.tenant LIMIT 1), 1
                UNION ALL
                SELECT (SELECT r.tenant FROM steward.run r WHERE r.worker IS NULL AND r.claimable_at IS NOT NULL AND r.tenant > l.tenant ORDER BY r.tenant LIMIT 1), l.at + 1
                FROM looked l WHERE l.tenant IS NOT NULL AND l.at < $2)
            SELECT l.tenant FROM looked l WHERE l.tenant IS NOT NULL ORDER BY l.at
            """,
            static r => r.GetString(0), after, FairShare.Tenants);
        HashSet<string> seen = [.. due.Select(run => run.Tenant)];
        string[] others = [.. tenants.Where(seen.Add)];
        if (others.Length > 0)
        {
            // Twice its share of each: more come from one tenant only where others have none.
            int each = Math.Clamp((2 * max / others.Length) + 1, 1, max);
            due.AddRange(await tx.AllAsync(
                Now
                    + "SELECT m.* FROM unnest($5::text[]) AS l (tenant) CROSS JOIN LATERAL ("
                    + Columns
                    + "r.tenant = l.tenant COLLATE \"C\" AND r.worker IS NULL AND "
                    + Due
                    + mayGoOn
                    + LongestDue
                    + ") AS m",
                Read, [.. wanted, each, others]));
        }

        return tenants.Count == FairShare.Tenants ? tenants[^1] : "";
    }

    /// <summary>What is taken of what is due; how much tenants have at work is asked only where it matters.</summary>
    private static async Task<List<DueRun>> PickAsync(Tx tx, List<DueRun> due, int max, int spares, LimitTable limits)
    {
        if (due.Count == 0 || (due.Count <= max && !limits.LimitsRuns))
            return due;
        string[] tenants = [.. due.Select(run => run.Tenant).Distinct(StringComparer.Ordinal)];
        if (tenants.Length == 1 && !limits.LimitsRuns)
            return due[..Math.Min(due.Count, max + spares)];
        Dictionary<string, int> atWork = new(StringComparer.Ordinal);
        foreach ((string tenant, int runs) in await tx.AllAsync(
            $"SELECT r.tenant, count(*)::integer FROM steward.run r WHERE {Concurrency.Leased} AND ($1::text[] IS NULL OR r.tenant = ANY($1)) GROUP BY r.tenant",
            static r => (r.GetString(0), r.GetInt32(1)), (object?)(limits.RunsOfAll is null ? tenants : null)))
            atWork[tenant] = runs;
        if (limits.RunsOfAll is { } all)
            max = Math.Min(max, all - atWork.Values.Sum());
        return FairShare.Pick(due, run => run.Tenant, atWork.GetValueOrDefault, max + spares, limits.RunsOf);
    }

    private static DueRun Read(NpgsqlDataReader r) => new(r.GetInt64(0), new RunId(r.GetGuid(1)), r.GetString(2), r.Time(3));
}
