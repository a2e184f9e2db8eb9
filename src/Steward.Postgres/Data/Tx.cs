using Npgsql;

namespace Steward.Postgres.Data;

/// <summary>Statements on one connection, inside its transaction if it has one.</summary>
internal sealed class Tx(NpgsqlConnection connection, Sql sql, CancellationToken cancellationToken, NpgsqlTransaction? transaction = null)
{
    /// <summary>The transaction, to be lent; null outside of one.</summary>
    public NpgsqlTransaction? Transaction => transaction;

    public Sql Sql => sql;

    public CancellationToken CancellationToken => cancellationToken;

    public async Task<int> ExecuteAsync(string text, params object?[] values)
    {
        await using NpgsqlCommand command = Command(text, values);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    }

    public async Task<T?> FirstAsync<T>(string text, Func<NpgsqlDataReader, T> read, params object?[] values)
    {
        await using NpgsqlCommand command = Command(text, values);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? read(reader) : default;
    }

    public async Task<List<T>> AllAsync<T>(string text, Func<NpgsqlDataReader, T> read, params object?[] values)
    {
        await using NpgsqlCommand command = Command(text, values);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        return await ReadAllAsync(reader, read);
    }

    /// <summary>The rows of the result at hand.</summary>
    public async Task<List<T>> ReadAllAsync<T>(NpgsqlDataReader reader, Func<NpgsqlDataReader, T> read)
    {
        List<T> rows = [];
        while (await reader.ReadAsync(cancellationToken))
            rows.Add(read(reader));
        return rows;
    }

    public async Task<DateTimeOffset> NowAsync() => await FirstAsync("SELECT steward.now()", static r => r.Time(0));

    /// <summary>Several statements for one trip to the server.</summary>
    public RoundTrip RoundTrip() => new(sql, new NpgsqlBatch(connection), cancellationToken);

    /// <summary>A statement whose rows the caller reads one by one.</summary>
    public NpgsqlCommand Command(string text, params object?[] values)
    {
        NpgsqlCommand command = new(sql.Of(text), connection);
        Bind(command.Parameters, values);
        return command;
    }

    internal static void Bind(NpgsqlParameterCollection parameters, object?[] values)
    {
        foreach (object? value in values)
            parameters.Add(new NpgsqlParameter { Value = value ?? DBNull.Value });
    }
}

/// <summary>Columns as Steward's types.</summary>
internal static class Columns
{
    public static DateTimeOffset Time(this NpgsqlDataReader reader, int column) => new(reader.GetDateTime(column), TimeSpan.Zero);

    public static DateTimeOffset? TimeOrNull(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.Time(column);

    public static string? TextOrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);

    public static int? Int32OrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt32(column);

    public static long? Int64OrNull(this NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetInt64(column);

    public static decimal? DecimalOrNull(this NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? null : reader.GetDecimal(column);

    public static byte[] Bytes(this NpgsqlDataReader reader, int column) => reader.GetFieldValue<byte[]>(column);

    /// <summary>A time for the database, whose clock counts microseconds: a due time is never before it is due.</summary>
    public static DateTimeOffset Due(this DateTimeOffset time)
    {
        DateTimeOffset utc = time.ToUniversalTime();
        long rest = utc.Ticks % TimeSpan.TicksPerMicrosecond;
        return rest == 0 ? utc : utc.AddTicks(TimeSpan.TicksPerMicrosecond - rest);
    }
}
