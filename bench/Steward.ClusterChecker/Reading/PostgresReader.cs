using Npgsql;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Reading;

/// <summary>Reads a PostgreSQL database with SQL of its own, in one snapshot. The server runs with <c>track_commit_timestamp</c>, so the order of commits is known.</summary>
internal static class PostgresReader
{
    private const string Amounts = "spent_models, spent_tools, spent_tokens, spent_usd, reserved_models, reserved_tools, reserved_tokens, reserved_usd";

    /// <param name="connectionString">The database.</param>
    /// <param name="schema">The schema of the tables.</param>
    public static async Task<JournalEvidence> ReadAsync(string connectionString, string schema = "steward")
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(System.Data.IsolationLevel.RepeatableRead);
        Reader read = new(connection, transaction, schema);
        return new JournalEvidence
        {
            Entries = await EntriesAsync(read),
            Runs = await RunsAsync(read),
            Signals = await read.AllAsync("SELECT r.uuid, s.signal_id, s.consumed FROM {schema}.signal s JOIN {schema}.run r ON r.id = s.run ORDER BY s.id", r => new SignalRow(r.GetGuid(0), r.GetString(1), r.IsDBNull(2) ? null : r.GetInt64(2))),
            Budgets = await BudgetsAsync(read),
        };
    }

    private static Task<List<Entry>> EntriesAsync(Reader read) => read.AllAsync(
        """
        SELECT r.uuid, e.seq, e.type, floor(extract(epoch FROM e.time) * 1000)::bigint, e.hash, e.payload_hash, coalesce(e.payload, b.content, ''::bytea),
               dense_rank() OVER (ORDER BY pg_xact_commit_timestamp(e.xmin), e.xmin::text::bigint),
               (extract(epoch FROM pg_xact_commit_timestamp(e.xmin)) * 1000000)::bigint
        FROM {schema}.event e JOIN {schema}.run r ON r.id = e.run LEFT JOIN {schema}.blob b ON b.hash = e.payload_hash
        ORDER BY e.run, e.seq
        """,
        r => new Entry
        {
            Run = r.GetGuid(0),
            Sequence = r.GetInt64(1),
            Type = r.GetString(2),
            Time = r.GetInt64(3),
            Hash = r.GetFieldValue<byte[]>(4),
            PayloadHash = r.GetFieldValue<byte[]>(5),
            Payload = r.GetFieldValue<byte[]>(6),
            Commit = r.GetInt64(7),
            CommittedAt = r.IsDBNull(8) ? null : r.GetInt64(8),
        });

    private static Task<List<RunRow>> RunsAsync(Reader read) => read.AllAsync(
        "SELECT uuid, tenant, session, agent, status, reason, epoch, head, head_hash, ancestors FROM {schema}.run ORDER BY id",
        r => new RunRow
        {
            Run = r.GetGuid(0),
            Tenant = r.GetString(1),
            Session = r.IsDBNull(2) ? null : r.GetString(2),
            Agent = r.GetString(3),
            Status = r.GetString(4),
            Reason = r.GetString(5),
            Epoch = r.GetInt64(6),
            Head = r.GetInt64(7),
            HeadHash = r.GetFieldValue<byte[]>(8),
            Ancestors = r.GetFieldValue<Guid[]>(9),
        });

    /// <summary>A scope's counters may be spread over rows of a second table, where this version of the schema has it.</summary>
    private static async Task<List<BudgetRow>> BudgetsAsync(Reader read)
    {
        bool spread = (await read.AllAsync("SELECT to_regclass('{schema}.budget_part') IS NOT NULL", r => r.GetBoolean(0)))[0];
        string rows = spread ? $"SELECT scope, {Amounts} FROM {{schema}}.budget UNION ALL SELECT scope, {Amounts} FROM {{schema}}.budget_part" : $"SELECT scope, {Amounts} FROM {{schema}}.budget";
        string sums = string.Join(", ", Amounts.Split(", ").Select(column => $"sum(a.{column})::numeric"));
        return await read.AllAsync(
            $"SELECT scope, max(c.max_models)::numeric, max(c.max_tools)::numeric, max(c.max_tokens)::numeric, max(c.max_usd), {sums} FROM ({rows}) a LEFT JOIN {{schema}}.budget c USING (scope) GROUP BY scope ORDER BY scope",
            r => new BudgetRow(r.GetString(0), new Ceilings(Maybe(r, 1), Maybe(r, 2), Maybe(r, 3), Maybe(r, 4)), AmountAt(r, 5), AmountAt(r, 9)));
    }

    private static decimal? Maybe(NpgsqlDataReader r, int column) => r.IsDBNull(column) ? null : r.GetDecimal(column);

    private static Amount AmountAt(NpgsqlDataReader r, int column) => new(r.GetDecimal(column), r.GetDecimal(column + 1), r.GetDecimal(column + 2), r.GetDecimal(column + 3));

    private sealed class Reader(NpgsqlConnection connection, NpgsqlTransaction transaction, string schema)
    {
        public async Task<List<T>> AllAsync<T>(string sql, Func<NpgsqlDataReader, T> row)
        {
            await using var command = new NpgsqlCommand(sql.Replace("{schema}", schema, StringComparison.Ordinal), connection, transaction) { CommandTimeout = 120 };
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
            List<T> rows = [];
            while (await reader.ReadAsync())
                rows.Add(row(reader));
            return rows;
        }
    }
}
