using Npgsql;
using Steward.OrleansHost;
using Steward.Postgres;

namespace Steward.OrleansBench;

/// <summary>A schema for one measurement, dropped after it.</summary>
internal sealed class BenchSchema(string connectionString, string name) : IAsyncDisposable
{
    public string Name => name;

    public static async Task<BenchSchema> CreateAsync(string connectionString, string name)
    {
        var schema = new BenchSchema(connectionString, name);
        await schema.DisposeAsync();
        await (await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = connectionString, Schema = name })).DisposeAsync();
        await schema.ExecuteAsync(ScriptedAgents.Ledger(name));
        return schema;
    }

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using NpgsqlConnection connection = new(connectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql.Replace("steward.", $"{name}.", StringComparison.Ordinal), connection);
        return (T)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync() => await ExecuteAsync($"DROP SCHEMA IF EXISTS {name} CASCADE");

    private async Task ExecuteAsync(string sql)
    {
        await using NpgsqlConnection connection = new(connectionString);
        await connection.OpenAsync();
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
