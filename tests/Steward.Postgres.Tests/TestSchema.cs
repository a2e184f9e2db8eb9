using Npgsql;
using Steward.Postgres.Data;
using Steward.Tests.Shared;

namespace Steward.Postgres.Tests;

/// <summary>A schema of its own on the test process's server; gone with the test.</summary>
internal sealed class TestSchema : IAsyncDisposable
{
    private static int s_count;
    private readonly string _server = Requirement.Postgres().ConnectionString;

    public string Name { get; } = $"t{Interlocked.Increment(ref s_count)}";

    public PostgresStoreOptions Options => new() { ConnectionString = $"{_server};Include Error Detail=true", Schema = Name };

    public Task<PostgresStewardStore> OpenAsync(Func<PostgresStoreOptions, PostgresStoreOptions>? change = null) =>
        PostgresStewardStore.OpenAsync(change is null ? Options : change(Options), cancellationToken: TestContext.Current.CancellationToken);

    public Task<PostgresStewardStore> OpenPooledAsync(PgBouncer pooler, Func<PostgresStoreOptions, PostgresStoreOptions>? change = null) =>
        OpenAsync(o => (change ?? (same => same))(o with { ConnectionString = pooler.ConnectionString, Pooled = true }));

    public async Task ExecuteAsync(string sql, params object[] values)
    {
        await using NpgsqlConnection connection = await ConnectAsync();
        await using NpgsqlCommand command = Command(connection, sql, values);
        await command.ExecuteNonQueryAsync(TestContext.Current.CancellationToken);
    }

    public async Task<T> ScalarAsync<T>(string sql, params object[] values)
    {
        await using NpgsqlConnection connection = await ConnectAsync();
        await using NpgsqlCommand command = Command(connection, sql, values);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async Task<NpgsqlConnection> ConnectAsync()
    {
        NpgsqlConnection connection = new(_server);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        return connection;
    }

    public async ValueTask DisposeAsync()
    {
        await using NpgsqlConnection connection = new(_server);
        await connection.OpenAsync(CancellationToken.None);
        await using NpgsqlCommand command = new($"DROP SCHEMA IF EXISTS {Name} CASCADE", connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }

    private NpgsqlCommand Command(NpgsqlConnection connection, string sql, object[] values)
    {
        NpgsqlCommand command = new(sql.Replace("steward.", $"{Name}.", StringComparison.Ordinal), connection);
        foreach (object value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return command;
    }
}
