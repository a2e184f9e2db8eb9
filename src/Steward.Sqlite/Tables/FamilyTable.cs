using Steward.Journal;
using Steward.Sqlite.Data;

namespace Steward.Sqlite.Tables;

/// <summary>A run as one of a family.</summary>
internal sealed record FamilyRow(long Id, RunId Run, string Tenant, string? Session, RunStatus Status, long UpdatedAt, long Head)
{
    public bool EndedBefore(long time) => Status.IsTerminal() && UpdatedAt < time;
}

/// <summary>Families of runs, and everything that goes with them.</summary>
internal static class FamilyTable
{
    private const string Family = """
        WITH RECURSIVE family (id, uuid) AS (
            SELECT id, uuid FROM run WHERE uuid = ?1 AND ancestors IS NULL
            UNION ALL
            SELECT c.id, c.uuid FROM family f JOIN run c ON c.ancestors IS NOT NULL AND substr(c.ancestors, 1, 16) = f.uuid)
        SELECT r.id, r.uuid, r.tenant, r.session, r.status, r.updated_at, r.head FROM family f JOIN run r ON r.id = f.id ORDER BY r.id
        """;

    /// <summary>By the row's number: an index of when runs changed would be written by every append.</summary>
    private static readonly string s_endedRoots = $"""
        SELECT id, uuid FROM run
        WHERE id > ?1 AND ancestors IS NULL AND status IN {StatusSql.Ended} AND updated_at < ?2
            AND (?3 IS NULL OR agent = ?3) AND (?4 IS NULL OR tenant = ?4)
        ORDER BY id LIMIT ?5
        """;

    private static readonly string[] s_owned =
    [
        .. ((string[])["signal", "snapshot", "question", "feedback", "event"]).Select(table => $"DELETE FROM {table} WHERE run = ?1"),
        "DELETE FROM run WHERE id = ?1",
    ];

    /// <summary>A root and all its descendants, the root first; empty when the run is unknown, or somebody's child.</summary>
    public static List<FamilyRow> Of(Db db, RunId root) => db.Prepare(Family).Bind(1, root.Value).All(static s =>
        new FamilyRow(s.Int64(0), new RunId(s.Guid(1)), s.Text(2), s.TextOrNull(3), RunStatusExtensions.Parse(s.Text(4)), s.Int64(5),
            s.Int64(6)));

    /// <summary>The next roots that have ended.</summary>
    public static List<(long Id, RunId Run)> EndedRootsAfter(Db db, long after, long before, string? agent, string? tenant, int limit) =>
        db.Prepare(s_endedRoots).Bind(1, after).Bind(2, before).Bind(3, agent).Bind(4, tenant).Bind(5, limit)
            .All(static s => (s.Int64(0), new RunId(s.Guid(1))));

    /// <summary>Bytes of the payloads in a journal's rows.</summary>
    public static long Bytes(Db db, long run) =>
        db.Prepare("SELECT coalesce(sum(length(payload)), 0) FROM event WHERE run = ?1").Bind(1, run).First(static s => s.Int64(0));

    public static bool HasRuns(Db db, string tenant, string session) =>
        db.Prepare("SELECT 1 FROM run WHERE tenant = ?1 AND session = ?2 LIMIT 1").Bind(1, tenant).Bind(2, session).First(static _ => true);

    /// <summary>Deletes a run's rows, and writes down that this was meant.</summary>
    public static void Delete(Db db, FamilyRow run)
    {
        foreach (string delete in s_owned)
            db.Prepare(delete).Bind(1, run.Id).Execute();
        db.Prepare("INSERT INTO pruned (uuid) VALUES (?1) ON CONFLICT DO NOTHING").Bind(1, run.Run.Value).Execute();
    }

    public static bool WasPruned(Db db, RunId run) =>
        db.Prepare("SELECT 1 FROM pruned WHERE uuid = ?1").Bind(1, run.Value).First(static _ => true);
}
