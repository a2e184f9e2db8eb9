using Microsoft.Data.Sqlite;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Reading;

/// <summary>Reads a SQLite database with SQL of its own. One writer at a time: the order of the journal's rows is the order of commits.</summary>
internal static class SqliteReader
{
    private const decimal NanoPerDollar = 1_000_000_000m;

    public static JournalEvidence Read(string path)
    {
        using var connection = new SqliteConnection(new SqliteConnectionStringBuilder { DataSource = path, Mode = SqliteOpenMode.ReadWrite, Pooling = false }.ConnectionString);
        connection.Open();
        return new JournalEvidence
        {
            Entries = Entries(connection),
            Runs = Runs(connection),
            Signals = All(connection, "SELECT r.uuid, s.signal_id, s.consumed FROM signal s JOIN run r ON r.id = s.run ORDER BY s.id", r => new SignalRow(GuidAt(r, 0), r.GetString(1), r.IsDBNull(2) ? null : r.GetInt64(2))),
            Budgets = Budgets(connection),
        };
    }

    /// <summary>Each entry counts as a commit of its own, though several may share one: an order that is finer than the real one breaks no ceiling that holds.</summary>
    private static List<Entry> Entries(SqliteConnection connection) => All(
        connection,
        "SELECT r.uuid, e.seq, e.type, e.time, e.hash, e.payload_hash, coalesce(e.payload, b.content, x''), e.id FROM event e JOIN run r ON r.id = e.run LEFT JOIN blob b ON b.hash = e.payload_hash ORDER BY e.run, e.seq",
        r => new Entry
        {
            Run = GuidAt(r, 0),
            Sequence = r.GetInt64(1),
            Type = r.GetString(2),
            Time = r.GetInt64(3),
            Hash = (byte[])r[4],
            PayloadHash = (byte[])r[5],
            Payload = (byte[])r[6],
            Commit = r.GetInt64(7),
        });

    private static List<RunRow> Runs(SqliteConnection connection) => All(
        connection,
        "SELECT uuid, tenant, session, agent, status, reason, epoch, head, head_hash, ancestors FROM run ORDER BY id",
        r => new RunRow
        {
            Run = GuidAt(r, 0),
            Tenant = r.GetString(1),
            Session = r.IsDBNull(2) ? null : r.GetString(2),
            Agent = r.GetString(3),
            Status = r.GetString(4),
            Reason = r.GetString(5),
            Epoch = r.GetInt64(6),
            Head = r.GetInt64(7),
            HeadHash = (byte[])r[8],
            Ancestors = r.IsDBNull(9) ? [] : [.. ((byte[])r[9]).Chunk(16).Select(bytes => new Guid(bytes, bigEndian: true))],
        });

    private static List<BudgetRow> Budgets(SqliteConnection connection) => All(
        connection,
        "SELECT scope, max_models, max_tools, max_tokens, max_nano, spent_models, spent_tools, spent_tokens, spent_nano, reserved_models, reserved_tools, reserved_tokens, reserved_nano FROM budget ORDER BY scope",
        r => new BudgetRow(
            r.GetString(0),
            new Ceilings(Maybe(r, 1), Maybe(r, 2), Maybe(r, 3), Maybe(r, 4) / NanoPerDollar),
            new Amount(r.GetInt64(5), r.GetInt64(6), r.GetInt64(7), r.GetInt64(8) / NanoPerDollar),
            new Amount(r.GetInt64(9), r.GetInt64(10), r.GetInt64(11), r.GetInt64(12) / NanoPerDollar)));

    private static decimal? Maybe(SqliteDataReader r, int column) => r.IsDBNull(column) ? null : r.GetInt64(column);

    private static Guid GuidAt(SqliteDataReader r, int column) => new((byte[])r[column], bigEndian: true);

    private static List<T> All<T>(SqliteConnection connection, string sql, Func<SqliteDataReader, T> row)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        using SqliteDataReader reader = command.ExecuteReader();
        List<T> rows = [];
        while (reader.Read())
            rows.Add(row(reader));
        return rows;
    }
}
