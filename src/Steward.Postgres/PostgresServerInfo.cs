using Steward.Postgres.Data;

namespace Steward.Postgres;

/// <summary>What a server says of itself, for those who operate it.</summary>
public sealed record PostgresServerInfo
{
    /// <summary>The server's version.</summary>
    public required string Version { get; init; }

    /// <summary>The server's time.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The size of the database in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>The version of the schema.</summary>
    public required int SchemaVersion { get; init; }

    /// <summary>Whether it is a standby, or was set read-only.</summary>
    public required bool IsReadOnly { get; init; }

    /// <summary>The settings that are off although what is acknowledged depends on them:
    /// <c>fsync</c>, <c>synchronous_commit</c>, <c>full_page_writes</c>.</summary>
    public required IReadOnlyList<string> Unsafe { get; init; }

    /// <summary>Whether the full check compares indexes with tables: the extension
    /// <c>amcheck</c> is there, and this role may use it.</summary>
    public required bool ChecksIndexes { get; init; }

    /// <summary>The nodes that gave a sign of life in the last day, the newest first.</summary>
    public required IReadOnlyList<PostgresNode> Nodes { get; init; }

    internal static async Task<PostgresServerInfo> ReadAsync(Tx tx)
    {
        string[] settings = ["fsync", "synchronous_commit", "full_page_writes"];
        List<PostgresNode> nodes = await tx.AllAsync(
            """
            SELECT w.name, w.started_at, w.expires_at, (SELECT count(*) FROM steward.run r WHERE r.worker = w.name)
            FROM steward.node w WHERE w.expires_at > steward.now() - interval '1 day' ORDER BY w.started_at DESC LIMIT 1000
            """,
            static r => new PostgresNode(r.GetString(0), r.Time(1), r.Time(2), (int)r.GetInt64(3)));
        return (await tx.FirstAsync(
            $"""
            SELECT current_setting('server_version'), steward.now(), pg_database_size(current_database()), (SELECT max(version) FROM steward.schema_version),
                pg_is_in_recovery() OR current_setting('transaction_read_only') = 'on',
                ARRAY(SELECT s FROM unnest($1::text[]) AS s WHERE current_setting(s) = 'off'),
                {IndexCheck.IsThere}
            """,
            r => new PostgresServerInfo
            {
                Version = r.GetString(0),
                Now = r.Time(1),
                Bytes = r.GetInt64(2),
                SchemaVersion = r.GetInt32(3),
                IsReadOnly = r.GetBoolean(4),
                Unsafe = r.GetFieldValue<string[]>(5),
                ChecksIndexes = r.GetBoolean(6),
                Nodes = nodes,
            },
            (object)settings))!;
    }
}

/// <summary>A node as the database knows it.</summary>
/// <param name="Name">Its worker's name.</param>
/// <param name="StartedAt">Its first sign of life.</param>
/// <param name="ExpiresAt">When its leases end without a further one.</param>
/// <param name="Runs">The runs that it holds.</param>
public sealed record PostgresNode(string Name, DateTimeOffset StartedAt, DateTimeOffset ExpiresAt, int Runs);
