using System.Text;
using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>What readers ask, on a connection with a snapshot.</summary>
internal static class Queries
{
    private const int PageRows = 500;
    private const int PageBytes = 4 * 1024 * 1024;

    private const string Entries = """
        SELECT e.seq, e.type, e.time, coalesce(e.payload, b.content), e.payload_hash, e.hash
        FROM event e LEFT JOIN blob b ON e.in_blob = 1 AND b.hash = e.payload_hash
        WHERE e.run = ?1 AND e.seq > ?2 ORDER BY e.seq
        """;

    /// <summary>None of the wanted labels is missing, or has another value.</summary>
    private const string HasLabels = """
        NOT EXISTS (
            SELECT 1 FROM json_each(?) AS w LEFT JOIN json_each(r.labels) AS l ON l.key = w.key AND l.value = w.value WHERE l.key IS NULL)
        """;

    /// <summary>The next entries of a journal; empty at its end.</summary>
    /// <exception cref="JournalException">An entry is missing.</exception>
    public static List<JournalEntry> Page(Db db, RunId run, long after)
    {
        List<JournalEntry> page = [];
        (long id, long head) = db.Prepare("SELECT id, head FROM run WHERE uuid = ?1")
            .Bind(1, run.Value)
            .First(static s => (s.Int64(0), s.Int64(1)));
        if (head == 0)
            return page;
        Statement rows = db.Prepare(Entries).Bind(1, id).Bind(2, after);
        long bytes = 0;
        try
        {
            while (page.Count < PageRows && bytes < PageBytes && rows.Next())
            {
                JournalEntry entry = ReadEntry(rows, run);
                ThrowIfGap(run, after + page.Count + 1, entry.Sequence);
                page.Add(entry);
                bytes += entry.Payload.Length;
            }
        }
        finally
        {
            rows.Reset();
        }

        if (page.Count == 0 && after < head)
            ThrowIfGap(run, after + 1, head + 1);
        return page;
    }

    public static JournalEntry ReadEntry(Statement s, RunId run)
    {
        long sequence = s.Int64(0);
        if (s.IsNull(3))
            throw new JournalException(
                $"The payload of sequence {sequence} of run {run} is missing from the database. Restore it from a backup.") { Run = run, Sequence = sequence };
        return new JournalEntry(run, sequence, s.Text(1), Instant.Read(s.Int64(2)), s.Bytes(3), s.Bytes(4), s.Bytes(5));
    }

    public static List<Signal> Inbox(Db db, RunId run) =>
        db.Prepare(
            "SELECT s.signal_id, s.body FROM signal s JOIN run r ON r.id = s.run WHERE r.uuid = ?1 AND s.consumed IS NULL ORDER BY s.id")
            .Bind(1, run.Value).All(s => new Signal(s.Text(0), run, StoreJson.ReadSignal(s.Span(1))));

    public static List<RunAttention> Watch(Db db, string worker)
    {
        List<KillSwitch> switches = Switches(db);
        return [.. db.Prepare("SELECT r.uuid, r.tenant, r.agent, EXISTS (SELECT 1 FROM signal s WHERE s.run = r.id AND s.consumed IS NULL), r.ancestors FROM run r WHERE r.worker = ?1 ORDER BY r.id")
            .Bind(1, worker).All(s => AttentionOf(s, switches)).Where(a => a.SignalsPending || a.Killed is not null)];
    }

    public static List<RunInfo> Find(Db db, RunQuery query)
    {
        StringBuilder sql = new(
            $"SELECT {RunTable.Columns}, coalesce(b.spent_models, 0), coalesce(b.spent_tools, 0), coalesce(b.spent_tokens, 0), coalesce(b.spent_nano, 0), coalesce(b.reserved_models, 0), coalesce(b.reserved_tools, 0), coalesce(b.reserved_tokens, 0), coalesce(b.reserved_nano, 0) FROM run r LEFT JOIN budget b ON b.scope = 'run:' || lower(hex(r.uuid)) WHERE true");
        List<Action<Statement>> binds = [];
        Where(query.Run is not null, "r.uuid = ?", (s, i) => s.Bind(i, query.Run!.Value.Value));
        Where(
            query.Runs is not null,
            "r.uuid IN (SELECT unhex(value) FROM json_each(?))",
            (s, i) => s.Bind(i, $"[{string.Join(',', query.Runs!.Select(run => $"\"{run}\""))}]"));
        Where(query.Tenant is not null, "r.tenant = ?", (s, i) => s.Bind(i, query.Tenant));
        Where(query.Agent is not null, "r.agent = ?", (s, i) => s.Bind(i, query.Agent));
        Where(query.Session is not null, "r.session = ?", (s, i) => s.Bind(i, query.Session));
        Where(query.Parent is not null, "substr(r.ancestors, 1, 16) = ?", (s, i) => s.Bind(i, query.Parent!.Value.Value));
        Where(query.Labels is { Count: > 0 }, HasLabels, (s, i) => s.Bind(i, StoreJson.Write(query.Labels)));
        if (query.RootsOnly)
            sql.Append(" AND r.ancestors IS NULL");
        if (query.Statuses is { } statuses)
        {
            sql.Append(" AND r.status IN (").AppendJoin(", ", statuses.Select(status => $"'{status.Name()}'")).Append(')');
        }

        sql.Append(" ORDER BY r.id DESC LIMIT ?");
        binds.Add(s => s.Bind(binds.Count, query.Limit));
        Statement found = db.Prepare(sql.ToString());
        foreach (Action<Statement> bind in binds)
            bind(found);
        return found.All(static s =>
            RunTable.Read(s).ToInfo(BudgetTable.ReadAmount(s, RunTable.ColumnCount), BudgetTable.ReadAmount(s, RunTable.ColumnCount + 4)));

        void Where(bool wanted, string condition, Action<Statement, int> bind)
        {
            if (!wanted)
                return;
            sql.Append(" AND ").Append(condition);
            int index = binds.Count + 1;
            binds.Add(s => bind(s, index));
        }
    }

    public static List<QuestionInfo> Questions(Db db, QuestionQuery query)
    {
        Statement found = db.Prepare(
            $"SELECT q.body FROM question q JOIN run r ON r.id = q.run WHERE (?1 IS NULL OR r.uuid = ?1) AND (?2 IS NULL OR q.question_id = ?2) AND (?3 IS NULL OR q.tenant = ?3) {(query.Status is { } status ? $"AND q.status = '{QuestionTable.Name(status)}'" : "")} ORDER BY q.id LIMIT ?4");
        return found.Bind(1, query.Run?.Value).Bind(2, query.Id).Bind(3, query.Tenant).Bind(4, query.Limit).All(QuestionTable.Read);
    }

    public static List<Feedback> Feedback(Db db, FeedbackQuery query) =>
        db.Prepare(
            "SELECT f.body FROM feedback f JOIN run r ON r.id = f.run WHERE (?1 IS NULL OR r.uuid = ?1) AND (?2 IS NULL OR r.agent = ?2) AND (?3 IS NULL OR r.tenant = ?3) ORDER BY f.id DESC LIMIT ?4")
            .Bind(1, query.Run?.Value).Bind(2, query.Agent).Bind(3, query.Tenant).Bind(4, query.Limit).All(FeedbackTable.Read);

    public static byte[]? Blob(Db db, ReadOnlySpan<byte> hash) =>
        db.Prepare("SELECT content FROM blob WHERE hash = ?1").Bind(1, hash).First(static s => s.Bytes(0));

    public static List<KillSwitch> Switches(Db db) => db.Prepare(SwitchTable.Query).All(SwitchTable.Read);

    public static IReadOnlyList<LimitInfo> Limits(Db db, long now) => new LimitTable(db.Prepare(LimitRows.Query).All(LimitRows.Read)).List(
        db.Prepare(LoadTable.TenantsQuery).Bind(1, now).All(LoadTable.ReadTenant),
        db.Prepare(LoadTable.SlotsQuery).Bind(1, now).All(LoadTable.ReadSlots).SelectMany(run => run.Slots));

    public static List<BudgetInfo> Budgets(Db db, string prefix, int limit)
    {
        Statement ceilings = db.Prepare($"SELECT {BudgetTable.Columns} FROM budget WHERE scope = ?1");
        List<BudgetInfo> rows = db.Prepare(
            $"SELECT {BudgetTable.Columns} FROM budget WHERE substr(scope, 1, length(?1)) = ?1 ORDER BY scope LIMIT ?2")
            .Bind(1, prefix).Bind(2, limit).All(BudgetTable.Read);
        return [.. rows.Select(row => row.Scope.CeilingScope == row.Scope
            ? row
            : row with { Ceilings = ceilings.Bind(1, row.Scope.CeilingScope.Key).First(BudgetTable.Read)?.Ceilings
                ?? BudgetCeilings.None })];
    }

    private static RunAttention AttentionOf(Statement s, List<KillSwitch> switches)
    {
        RunId run = new(s.Guid(0));
        return new RunAttention(run, s.Int64(3) == 1, Gate.FindSwitch(switches, run, s.Text(1), s.Text(2), RunTable.ReadAncestors(s, 4)));
    }

    private static void ThrowIfGap(RunId run, long expected, long actual)
    {
        if (actual != expected)
            throw new JournalException(
                $"The journal of run {run} has a gap: sequence {expected} was due, {actual} came. Restore the database from a backup, or see docs/durability.md.") { Run = run, Sequence = expected };
    }
}
