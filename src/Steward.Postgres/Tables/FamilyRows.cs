using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;

namespace Steward.Postgres.Tables;

/// <summary>A run as one of a family.</summary>
/// <param name="Id">The run's number.</param>
/// <param name="Run">The run.</param>
/// <param name="Parent">The run whose child it is, if it is one.</param>
/// <param name="Tenant">Its tenant.</param>
/// <param name="Session">Its session, if any.</param>
/// <param name="Head">The last sequence of its journal.</param>
/// <param name="IsOld">Whether it has ended, and not changed since the retention began.</param>
internal sealed record FamilyRow(long Id, RunId Run, RunId? Parent, string Tenant, string? Session, long Head, bool IsOld);

/// <summary>Families of runs, and everything that goes with them.</summary>
/// <remarks>A level at a time, each by an index: PostgreSQL expects so many rows from a recursive query that it reads the whole table.
/// </remarks>
internal static class FamilyRows
{
    private static readonly string s_isOld = $"(r.status IN {StatusSql.Ended} AND r.updated_at < (SELECT steward.now()) - $1::interval)";
    private static readonly string s_select =
        $"SELECT r.id, r.uuid, r.ancestors[1], r.tenant, r.session, r.head, {s_isOld} FROM steward.run r WHERE";

    private static readonly string[] s_owned =
    [
        .. (
            (string[])["signal", "snapshot", "question", "feedback",
                "event"]).Select(table => $"DELETE FROM steward.{table} WHERE run = ANY($1)"),
        "DELETE FROM steward.run WHERE id = ANY($1)",
    ];

    /// <summary>The next roots that ended, by their number: an index of when runs changed would be written by every append.</summary>
    public static Task<List<FamilyRow>> EndedRootsAfterAsync(Tx tx, long after, TimeSpan olderThan, string? agent, string? tenant,
        int limit) => tx.AllAsync(
        $"{s_select} r.id > $2 AND r.ancestors = '{{}}' AND {s_isOld} AND ($3::text IS NULL OR r.agent = $3) "
            + "AND ($4::text IS NULL OR r.tenant = $4) ORDER BY r.id LIMIT $5",
        Read, olderThan, after, agent, tenant, limit);

    public static Task<List<FamilyRow>> RootsAsync(Tx tx, Guid[] runs, TimeSpan olderThan) =>
        tx.AllAsync($"{s_select} r.uuid = ANY($2) AND r.ancestors = '{{}}' ORDER BY r.id", Read, olderThan, runs);

    /// <summary>The families of roots, each with its root first.</summary>
    public static async Task<List<List<FamilyRow>>> FamiliesAsync(Tx tx, List<FamilyRow> roots, TimeSpan olderThan)
    {
        Dictionary<RunId, List<FamilyRow>> families = roots.ToDictionary(root => root.Run, root => new List<FamilyRow> { root });
        for (List<FamilyRow> level = roots; level.Count > 0;)
        {
            level = await tx.AllAsync(
                $"{s_select} r.ancestors <> '{{}}' AND r.ancestors[1] = ANY($2) ORDER BY r.id",
                Read, olderThan, level.Select(run => run.Run.Value).ToArray());
            foreach (FamilyRow child in level)
            {
                families[child.Run] = families[child.Parent!.Value];
                families[child.Run].Add(child);
            }
        }

        return [.. roots.Select(root => families[root.Run])];
    }

    /// <summary>Bytes of the payloads in the rows of journals.</summary>
    public static async Task<Dictionary<long, long>> BytesAsync(Tx tx, long[] runs) => (await tx.AllAsync(
        "SELECT e.run, coalesce(sum(octet_length(e.payload)), 0)::bigint FROM steward.event e WHERE e.run = ANY($1) GROUP BY e.run",
            static r => KeyValuePair.Create(r.GetInt64(0), r.GetInt64(1)), runs)).ToDictionary();

    /// <summary>Locks runs, in the order in which everybody locks them.</summary>
    public static Task<int> LockAsync(Tx tx, long[] runs) =>
        tx.ExecuteAsync("SELECT id FROM steward.run WHERE id = ANY($1) ORDER BY id FOR UPDATE", runs);

    /// <summary>Adds the statements that delete runs, and write down that this was meant.</summary>
    public static void Delete(RoundTrip trip, List<FamilyRow> runs, TimeSpan remembered)
    {
        long[] ids = [.. runs.Select(run => run.Id)];
        foreach (string delete in s_owned)
            trip.Do(delete, ids);
        trip.Do("DELETE FROM steward.budget WHERE scope = ANY($1)", (object)runs.Select(run => BudgetScope.ForRun(run.Run).Key).ToArray());
        (string Tenant, string Name)[] sessions =
            [.. runs.Where(run => run.Session is not null).Select(run => (run.Tenant, run.Session!)).Distinct()];
        if (sessions.Length > 0)
        {
            trip.Do(
                """
                DELETE FROM steward.budget b USING unnest($1::text[], $2::text[], $3::text[]) AS s (scope, tenant, name)
                WHERE b.scope = s.scope AND NOT EXISTS (SELECT 1 FROM steward.run r WHERE r.tenant = s.tenant AND r.session = s.name)
                """,
                sessions.Select(s => BudgetScope.ForSession(s.Tenant, s.Name).Key).ToArray(), sessions.Select(s =>
                    s.Tenant).ToArray(), sessions.Select(s => s.Name).ToArray());
        }

        trip.Do("DELETE FROM steward.pruned WHERE at < (SELECT steward.now()) - $1::interval", remembered);
        trip.Do(
            "INSERT INTO steward.pruned (uuid, at) SELECT u, (SELECT steward.now()) FROM unnest($1::uuid[]) AS u ON CONFLICT DO NOTHING",
            (object)runs.Select(run => run.Run.Value).ToArray());
    }

    public static async Task<bool> WasPrunedAsync(Tx tx, RunId run) =>
        await tx.FirstAsync("SELECT true FROM steward.pruned WHERE uuid = $1", static r => r.GetBoolean(0), run.Value);

    private static FamilyRow Read(NpgsqlDataReader r) =>
        new(
            r.GetInt64(0),
            new RunId(r.GetGuid(1)),
            r.IsDBNull(2) ? null : new RunId(r.GetGuid(2)),
            r.GetString(3),
            r.TextOrNull(4),
            r.GetInt64(5),
            r.GetBoolean(6));
}
