using Npgsql;
using Steward.Budgets;
using Steward.Postgres.Data;
using Steward.Runs;

namespace Steward.Postgres.Tables;

/// <summary>A run as one of a family.</summary>
/// <param name="Root">The number of the family's root.</param>
/// <param name="Id">The run's own number.</param>
/// <param name="Run">The run.</param>
/// <param name="Tenant">Its tenant.</param>
/// <param name="Session">Its session, if any.</param>
/// <param name="Head">The last sequence of its journal.</param>
/// <param name="IsOld">Whether it has ended, and not changed since the retention began.</param>
internal sealed record FamilyRow(long Root, long Id, RunId Run, string Tenant, string? Session, long Head, bool IsOld);

/// <summary>Families of runs, and everything that goes with them.</summary>
internal static class FamilyRows
{
    private const string IsOld = "(r.status IN ('completed', 'failed', 'cancelled') AND r.updated_at < (SELECT steward.now()) - $1::interval)";
    private const string Columns = $"f.root, r.id, r.uuid, r.tenant, r.session, r.head, {IsOld}";

    /// <summary>The families of which <c>root</c> has the roots; every root before its descendants.</summary>
    private const string Families = """
        family (root, id, uuid) AS (
            SELECT id, id, uuid FROM root
            UNION ALL
            SELECT f.root, c.id, c.uuid FROM family f JOIN steward.run c ON c.ancestors <> '{}' AND c.ancestors[1] = f.uuid)
        """;

    private const string Given = $"WITH RECURSIVE root AS (SELECT r.id, r.uuid FROM steward.run r WHERE r.uuid = ANY($2) AND r.ancestors = '{{}}'), {Families}";

    /// <summary>By the row's number: an index of when runs changed would be written by every append.</summary>
    private const string Ended = $$"""
        WITH RECURSIVE root AS (
            SELECT r.id, r.uuid FROM steward.run r
            WHERE r.id > $2 AND r.ancestors = '{}' AND {{IsOld}} AND ($3::text IS NULL OR r.agent = $3) AND ($4::text IS NULL OR r.tenant = $4)
            ORDER BY r.id LIMIT $5),
        {{Families}}
        SELECT {{Columns}}, (SELECT coalesce(sum(octet_length(e.payload)), 0) FROM steward.event e WHERE e.run = r.id)::bigint
        FROM family f JOIN steward.run r ON r.id = f.id ORDER BY f.root, r.id
        """;

    private static readonly string[] s_owned = [.. ((string[])["signal", "snapshot", "question", "feedback", "event"]).Select(table => $"DELETE FROM steward.{table} WHERE run = ANY($1)"), "DELETE FROM steward.run WHERE id = ANY($1)"];

    /// <summary>The next families whose root has ended, with the bytes of their journals' payloads.</summary>
    public static Task<List<(FamilyRow Run, long Bytes)>> EndedAfterAsync(Tx tx, long after, TimeSpan olderThan, string? agent, string? tenant, int roots) =>
        tx.AllAsync(Ended, static r => (Read(r), r.GetInt64(7)), olderThan, after, agent, tenant, roots);

    /// <summary>Locks all runs of some families, in the order in which everybody locks runs.</summary>
    public static Task<int> LockAsync(Tx tx, Guid[] roots, TimeSpan olderThan) =>
        tx.ExecuteAsync($"{Given} SELECT {IsOld} FROM family f JOIN steward.run r ON r.id = f.id ORDER BY r.id FOR UPDATE OF r", olderThan, roots);

    public static Task<List<FamilyRow>> OfAsync(Tx tx, Guid[] roots, TimeSpan olderThan) =>
        tx.AllAsync($"{Given} SELECT {Columns} FROM family f JOIN steward.run r ON r.id = f.id ORDER BY f.root, r.id", Read, olderThan, roots);

    /// <summary>Adds the statements that delete runs, and write down that this was meant.</summary>
    public static void Delete(Tx tx, NpgsqlBatch batch, List<FamilyRow> runs, TimeSpan remembered)
    {
        long[] ids = [.. runs.Select(run => run.Id)];
        foreach (string delete in s_owned)
            tx.Add(batch, delete, ids);
        tx.Add(batch, "DELETE FROM steward.budget WHERE scope = ANY($1)", (object)runs.Select(run => BudgetScope.ForRun(run.Run).Key).ToArray());
        (string Tenant, string Name)[] sessions = [.. runs.Where(run => run.Session is not null).Select(run => (run.Tenant, run.Session!)).Distinct()];
        if (sessions.Length > 0)
        {
            tx.Add(
                batch,
                """
                DELETE FROM steward.budget b USING unnest($1::text[], $2::text[], $3::text[]) AS s (scope, tenant, name)
                WHERE b.scope = s.scope AND NOT EXISTS (SELECT 1 FROM steward.run r WHERE r.tenant = s.tenant AND r.session = s.name)
                """,
                sessions.Select(s => BudgetScope.ForSession(s.Tenant, s.Name).Key).ToArray(), sessions.Select(s => s.Tenant).ToArray(), sessions.Select(s => s.Name).ToArray());
        }

        tx.Add(batch, "DELETE FROM steward.pruned WHERE at < (SELECT steward.now()) - $1::interval", remembered);
        tx.Add(batch, "INSERT INTO steward.pruned (uuid, at) SELECT u, (SELECT steward.now()) FROM unnest($1::uuid[]) AS u ON CONFLICT DO NOTHING", (object)runs.Select(run => run.Run.Value).ToArray());
    }

    public static async Task<bool> WasPrunedAsync(Tx tx, RunId run) =>
        await tx.FirstAsync("SELECT true FROM steward.pruned WHERE uuid = $1", static r => r.GetBoolean(0), run.Value);

    private static FamilyRow Read(NpgsqlDataReader r) =>
        new(r.GetInt64(0), r.GetInt64(1), new RunId(r.GetGuid(2)), r.GetString(3), r.TextOrNull(4), r.GetInt64(5), r.GetBoolean(6));
}
