using System.Security.Cryptography;
using System.Text;
using Npgsql;
using Steward.Tests.Shared;

namespace Steward.Bench;

/// <summary>Where payloads of a few kilobytes go: the journal's table as the schema makes it (in the row, compressed with lz4 when two do not fit a page), beside the same table with PostgreSQL's defaults (compressed, or in the TOAST table, from about 2,000 bytes on).</summary>
internal static class ToastBench
{
    private const int Group = 32;

    public static async Task RunAsync(Report report, PostgresServer server, bool quick)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(server.ConnectionString) { MaxAutoPrepare = 16 });
        foreach (int size in (int[])[1_000, 2_500, 4_000, 7_000, 15_000])
        {
            await MakeAsync(source);
            int groups = quick ? 20 : 150;
            Sequences next = new();
            Duel write = await Duel.FightAsync(
                warmUps: 1,
                rounds: quick ? 3 : 7,
                () => Cost.OfAsync(groups * Group, () => WriteAsync(source, "inrow", next, groups, size)),
                () => Cost.OfAsync(groups * Group, () => WriteAsync(source, "toasted", next, groups, size)));
            Duel read = await Duel.FightAsync(
                warmUps: 1,
                rounds: quick ? 3 : 7,
                () => Cost.OfAsync(groups, () => ReadAsync(source, "inrow", groups)),
                () => Cost.OfAsync(groups, () => ReadAsync(source, "toasted", groups)));
            report.Add(
                $"PostgreSQL: entries of {size:#,0} B payload, {Group} a commit: written in the row (bare: by PostgreSQL's defaults)",
                $"{1e6 / write.Steward.Median:#,0} entries/s, {await BytesAsync(source, "inrow"):#,0} B each",
                $"{1e6 / write.Bare.Median:#,0} entries/s, {await BytesAsync(source, "toasted"):#,0} B each",
                $"{write.Ratio.Median:0.00}× the time; read {read.Ratio.Median:0.00}×",
                $"{write.Ratio.Min:0.00}–{write.Ratio.Max:0.00}×; read {read.Ratio.Min:0.00}–{read.Ratio.Max:0.00}×");
        }
    }

    private static Task MakeAsync(NpgsqlDataSource source) => ExecuteAsync(
        source,
        """
        DROP TABLE IF EXISTS inrow, toasted;
        CREATE TABLE inrow (run bigint NOT NULL, seq bigint NOT NULL, type text NOT NULL, time timestamptz NOT NULL, hash bytea NOT NULL, payload_hash bytea NOT NULL, payload bytea, PRIMARY KEY (run, seq)) WITH (toast_tuple_target = 4080);
        ALTER TABLE inrow ALTER COLUMN payload SET STORAGE MAIN, ALTER COLUMN payload SET COMPRESSION lz4;
        CREATE TABLE toasted (run bigint NOT NULL, seq bigint NOT NULL, type text NOT NULL, time timestamptz NOT NULL, hash bytea NOT NULL, payload_hash bytea NOT NULL, payload bytea, PRIMARY KEY (run, seq))
        """);

    /// <summary>Groups of one entry for each of 32 runs.</summary>
    private static async Task WriteAsync(NpgsqlDataSource source, string table, Sequences next, int groups, int size)
    {
        for (int g = 0; g < groups; g++)
        {
            long sequence = next.Of(table);
            byte[][] payloads = [.. Enumerable.Range(0, Group).Select(i => Payload(sequence * Group + i, size))];
            await using NpgsqlCommand insert = source.CreateCommand($"INSERT INTO {table} SELECT r, $2, 'tool.returned', clock_timestamp(), sha256($2::text::bytea), sha256(p), p FROM unnest($1::bigint[], $3::bytea[]) AS u (r, p)");
            insert.Parameters.Add(new NpgsqlParameter { Value = Enumerable.Range(0, Group).Select(i => (long)i).ToArray() });
            insert.Parameters.Add(new NpgsqlParameter { Value = sequence });
            insert.Parameters.Add(new NpgsqlParameter { Value = payloads });
            await insert.ExecuteNonQueryAsync();
        }
    }

    private static async Task ReadAsync(NpgsqlDataSource source, string table, int groups)
    {
        await using NpgsqlCommand read = source.CreateCommand($"SELECT payload FROM {table} WHERE run = $1 AND seq <= $2 ORDER BY seq");
        read.Parameters.Add(new NpgsqlParameter { Value = 7L });
        read.Parameters.Add(new NpgsqlParameter { Value = (long)groups });
        await using NpgsqlDataReader reader = await read.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            _ = reader.GetFieldValue<byte[]>(0);
    }

    /// <summary>With indexes and the TOAST table.</summary>
    private static async Task<long> BytesAsync(NpgsqlDataSource source, string table)
    {
        await using NpgsqlCommand size = source.CreateCommand($"SELECT pg_total_relation_size('{table}') / (SELECT count(*) FROM {table})");
        return (long)(await size.ExecuteScalarAsync())!;
    }

    private static async Task ExecuteAsync(NpgsqlDataSource source, string sql)
    {
        await using NpgsqlCommand command = source.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>JSON of words and numbers, different each time: it compresses to about a half, as a tool's results do.</summary>
    private static byte[] Payload(long seed, int size)
    {
        StringBuilder text = new("{\"result\":[");
        for (long n = 0; text.Length < size; n++)
        {
            byte[] digits = SHA256.HashData(BitConverter.GetBytes((seed * 1_000) + n));
            text.Append("{\"id\":").Append(BitConverter.ToUInt32(digits)).Append(",\"name\":\"").Append(Convert.ToHexStringLower(digits.AsSpan(4, 6))).Append("\",\"status\":\"delivered\",\"amount\":").Append(digits[10]).Append('.').Append(digits[11]).Append("},");
        }

        return Encoding.UTF8.GetBytes(text.ToString(0, size));
    }

    private sealed class Sequences
    {
        private readonly Dictionary<string, long> _last = [];

        public long Of(string table) => _last[table] = _last.GetValueOrDefault(table) + 1;
    }
}
