using Npgsql;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Reading;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Bed;

/// <summary>A PostgreSQL server of the scenario's own: it syncs what it commits, and remembers when it committed it.</summary>
internal class PostgresDatabase : IDatabase
{
    private readonly List<PostgresServer> _servers = [];

    public PostgresDatabase()
    {
        Server = Add(PostgresServer.StartOwn("-c track_commit_timestamp=on -c max_connections=200 -c deadlock_timeout=100ms"));
        Store = $"{Server.ConnectionString};Timeout=5";
    }

    /// <summary>The server that is the primary now.</summary>
    public PostgresServer Server { get; protected set; }

    public bool IsSqlite => false;

    public string Store { get; protected init; }

    /// <summary>The way to it for the bench itself, which may write while others may not.</summary>
    public string Direct => DirectTo(Server);

    public Task<JournalEvidence> ReadAsync() => PostgresReader.ReadAsync(Direct);

    public Task<T> ScalarAsync<T>(string sql) => ScalarAsync<T>(Server, sql);

    public void Dispose() => _servers.ForEach(s => s.Stop());

    protected static async Task<T> ScalarAsync<T>(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(DirectTo(server));
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        return await command.ExecuteScalarAsync() is T value ? value : default!;
    }

    protected PostgresServer Add(PostgresServer server)
    {
        _servers.Add(server);
        return server;
    }

    private static string DirectTo(PostgresServer server) => $"{server.ConnectionString};Pooling=false;Options=-c default_transaction_read_only=off";
}
