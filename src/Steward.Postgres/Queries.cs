using System.Text;
using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Operations;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>What readers ask.</summary>
internal static class Queries
{
    private const int PageRows = 500;
    private const int PageBytes = 4 * 1024 * 1024;

    /// <summary>When a run can be claimed: a leased one at the end of its claim's lease, or of its node's, whichever is later.</summary>
    private const string LeaseEnd =
        "CASE WHEN r.worker IS NULL THEN r.claimable_at ELSE greatest(r.claimable_at, (SELECT w.expires_at FROM steward.node w WHERE w.name = r.worker)) END";

    /// <summary>The next entries of a journal, and whether they are the last.</summary>
    /// <exception cref="JournalException">An entry is missing.</exception>
    public static async Task<(List<JournalEntry> Entries, bool IsEnd)> PageAsync(Tx tx, RunId run, long after)
    {
        List<JournalEntry> page = [];
        long head = after;
        await using NpgsqlCommand command = tx.Command(
            """
            SELECT e.seq, e.type, e.time, coalesce(e.payload, b.content), e.payload_hash, e.hash, r.head
            FROM steward.run r LEFT JOIN steward.event e ON e.run = r.id AND e.seq > $2 LEFT JOIN steward.blob b ON e.payload IS NULL AND b.hash = e.payload_hash
            WHERE r.uuid = $1 ORDER BY e.seq LIMIT $3
            """,
            run.Value, after, PageRows);
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync(tx.CancellationToken);
        long bytes = 0;
        while (bytes < PageBytes && await rows.ReadAsync(tx.CancellationToken))
        {
            head = rows.GetInt64(6);
            if (rows.IsDBNull(0))
                break;
            JournalEntry entry = ReadEntry(rows, run);
            ThrowIfGap(run, after + page.Count + 1, entry.Sequence);
            page.Add(entry);
            bytes += entry.Payload.Length;
        }

        if (page.Count == 0 && head > after)
            ThrowIfGap(run, after + 1, head + 1);
        return (page, page.Count == 0 || page[^1].Sequence >= head);
    }

    public static Task<List<Signal>> InboxAsync(Tx tx, RunId run) => tx.AllAsync(
        "SELECT s.signal_id, s.body FROM steward.signal s JOIN steward.run r ON r.id = s.run WHERE r.uuid = $1 AND s.consumed IS NULL ORDER BY s.id",
        r => new Signal(r.GetString(0), run, StoreJson.ReadSignal(r.Bytes(1))),
        run.Value);

    public static async Task<List<RunAttention>> WatchAsync(Tx tx, string worker)
    {
        List<KillSwitch> switches = await Switches.AllAsync(tx);
        List<RunAttention> leased = await tx.AllAsync(
            switches.Count == 0
                ? "SELECT r.uuid, r.tenant, r.agent, true, r.ancestors FROM steward.run r WHERE r.worker = $1 AND r.id IN (SELECT s.run FROM steward.signal s WHERE s.consumed IS NULL) ORDER BY r.id"
                : "SELECT r.uuid, r.tenant, r.agent, EXISTS (SELECT 1 FROM steward.signal s WHERE s.run = r.id AND s.consumed IS NULL), r.ancestors FROM steward.run r WHERE r.worker = $1 ORDER BY r.id",
            r => AttentionOf(r, switches),
            worker);
        leased.RemoveAll(a => !a.SignalsPending && a.Killed is null);
        return leased;
    }

    public static Task<List<RunInfo>> FindAsync(Tx tx, RunQuery query)
    {
        StringBuilder sql = new(
            $"SELECT {RunRows.Columns}, {BudgetRows.Amounts}, {LeaseEnd} FROM steward.run r LEFT JOIN steward.budget b ON {BudgetRows.OfRun} WHERE true");
        List<object?> values = [];
        Where("r.uuid = $", query.Run?.Value);
        Where("r.uuid = ANY($", query.Runs?.Select(run => run.Value).ToArray(), ")");
        Where("r.tenant = $", query.Tenant);
        Where("r.agent = $", query.Agent);
        Where("r.session = $", query.Session);
        Where("r.ancestors <> '{}' AND r.ancestors[1] = $", query.Parent?.Value);
        if (query.RootsOnly)
            sql.Append(" AND r.ancestors = '{}'");
        Where("r.status = ANY($", query.Statuses?.Select(s => s.Name()).ToArray(), ")");
        Where("r.labels @> $", StoreJson.Write(query.Labels), "::jsonb");

        values.Add(query.Limit);
        sql.Append(Format($" ORDER BY r.id DESC LIMIT ${values.Count}"));
        return tx.AllAsync(
            sql.ToString(),
            static r => RunRows.Read(r).ToInfo(
                BudgetRows.Amount(r, RunRows.ColumnCount),
                BudgetRows.Amount(r, RunRows.ColumnCount + 4)) with { ClaimableAt = r.TimeOrNull(RunRows.ColumnCount + 8) },
            [.. values]);

        void Where(string before, object? value, string after = "")
        {
            if (value is null)
                return;
            values.Add(value);
            sql.Append(Format($" AND {before}{values.Count}{after}"));
        }
    }

    public static Task<List<QuestionInfo>> QuestionsAsync(Tx tx, QuestionQuery query) => tx.AllAsync(
        """
        SELECT q.body FROM steward.question q JOIN steward.run r ON r.id = q.run
        WHERE ($1::uuid IS NULL OR r.uuid = $1) AND ($2::text IS NULL OR q.question_id = $2) AND ($3::text IS NULL OR q.tenant = $3) AND ($4::text IS NULL OR q.status = $4)
        ORDER BY q.id LIMIT $5
        """,
        Operations.Questions.Read,
        query.Run?.Value, query.Id, query.Tenant, query.Status is { } status ? Operations.Questions.Name(status) : null, query.Limit);

    public static Task<List<Feedback>> FeedbackAsync(Tx tx, FeedbackQuery query) => tx.AllAsync(
        """
        SELECT f.body FROM steward.feedback f JOIN steward.run r ON r.id = f.run
        WHERE ($1::uuid IS NULL OR r.uuid = $1) AND ($2::text IS NULL OR r.agent = $2) AND ($3::text IS NULL OR r.tenant = $3)
        ORDER BY f.id DESC LIMIT $4
        """,
        static r => StoreJson.ReadFeedback(r.Bytes(0)),
        query.Run?.Value, query.Agent, query.Tenant, query.Limit);

    public static Task<byte[]?> BlobAsync(Tx tx, byte[] hash) =>
        tx.FirstAsync("SELECT content FROM steward.blob WHERE hash = $1", static r => r.Bytes(0), hash);

    public static async Task<List<BudgetInfo>> BudgetsAsync(Tx tx, string prefix, int limit)
    {
        List<BudgetInfo> rows = await tx.AllAsync(
            $"SELECT {BudgetRows.Columns} FROM {BudgetRows.Totals} AS b WHERE starts_with(b.scope, $1) ORDER BY b.scope LIMIT $2",
                BudgetRows.Read, prefix, limit);
        string[] ruling = [.. rows.Where(b => b.Scope.CeilingScope != b.Scope).Select(b => b.Scope.CeilingScope.Key).Distinct()];
        if (ruling.Length == 0)
            return rows;
        Dictionary<BudgetScope, BudgetCeilings> ceilings = (await tx.AllAsync(
            $"SELECT {BudgetRows.Columns} FROM steward.budget b WHERE b.scope = ANY($1)", BudgetRows.Read,
                (object)ruling)).ToDictionary(b => b.Scope, b => b.Ceilings);
        return
        [
            .. rows.Select(row => row.Scope.CeilingScope == row.Scope
                ? row
                : row with { Ceilings = ceilings.GetValueOrDefault(row.Scope.CeilingScope, BudgetCeilings.None) }),
        ];
    }

    private static string Format(FormattableString text) => FormattableString.Invariant(text);

    private static RunAttention AttentionOf(NpgsqlDataReader r, List<KillSwitch> switches)
    {
        RunId run = new(r.GetGuid(0));
        return new RunAttention(
            run,
            r.GetBoolean(3),
            Gate.FindSwitch(switches, run, r.GetString(1), r.GetString(2), RunRows.ReadAncestors(r, 4)));
    }

    private static JournalEntry ReadEntry(NpgsqlDataReader r, RunId run)
    {
        long sequence = r.GetInt64(0);
        if (r.IsDBNull(3))
            throw new JournalException(
                $"The payload of sequence {sequence} of run {run} is missing from the database. Restore it from a backup.") { Run = run, Sequence = sequence };
        return new JournalEntry(run, sequence, r.GetString(1), r.Time(2), r.Bytes(3), r.Bytes(4), r.Bytes(5));
    }

    private static void ThrowIfGap(RunId run, long expected, long actual)
    {
        if (actual != expected)
            throw new JournalException(
                $"The journal of run {run} has a gap: sequence {expected} was due, {actual} came. Restore the database from a backup, or see docs/durability.md.") { Run = run, Sequence = expected };
    }
}
