using Npgsql;
using Steward.Journal;
using Steward.OrleansHost;
using Steward.Postgres;
using Steward.Tests.Shared;

namespace Steward.Orleans.Tests;

/// <summary>A schema of its own for a test's cluster, with the store's tables and the tool's ledger; gone with the test.</summary>
internal sealed class ClusterSchema : IAsyncDisposable
{
    private static int s_count;
    private PostgresStewardStore? _store;

    private ClusterSchema(string connectionString, string name) => (ConnectionString, Name) = (connectionString, name);

    public string Name { get; }

    /// <summary>The straight way to the server, whichever way the store takes.</summary>
    public string ConnectionString { get; }

    public PostgresStewardStore Store => _store!;

    /// <param name="server">The server; null for this process's.</param>
    /// <param name="change">How the store reaches it.</param>
    public static async Task<ClusterSchema> CreateAsync(PostgresServer? server = null, Func<PostgresStoreOptions, PostgresStoreOptions>? change = null)
    {
        var schema = new ClusterSchema((server ?? Requirement.Postgres()).ConnectionString, $"o{Interlocked.Increment(ref s_count)}");
        var options = new PostgresStoreOptions { ConnectionString = schema.ConnectionString, Schema = schema.Name, Notify = false };
        schema._store = await PostgresStewardStore.OpenAsync(change is null ? options : change(options), cancellationToken: TestContext.Current.CancellationToken);
        await schema.ExecuteAsync(ScriptedAgents.Ledger(schema.Name));
        return schema;
    }

    /// <summary>The same schema and store, on the server that took over.</summary>
    public ClusterSchema On(PostgresServer server) => new(server.ConnectionString, Name) { _store = _store };

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using NpgsqlConnection connection = new(ConnectionString);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using NpgsqlCommand command = new(sql.Replace("steward.", $"{Name}.", StringComparison.Ordinal), connection);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async Task<List<RunEvent>> EventsAsync(RunId run)
    {
        List<RunEvent> events = [];
        await foreach (JournalEntry entry in Store.ReadAsync(run, 0, TestContext.Current.CancellationToken))
            events.Add(entry.Event);
        return events;
    }

    public async ValueTask DisposeAsync()
    {
        if (_store is not null)
            await _store.DisposeAsync();
        await ExecuteAsync($"DROP SCHEMA IF EXISTS {Name} CASCADE");
    }

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlConnection connection = new(ConnectionString);
        await connection.OpenAsync(CancellationToken.None);
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
