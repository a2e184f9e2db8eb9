using Npgsql;
using Steward.Tests.Shared;

namespace Steward.Cli.Tests.Commands;

/// <summary>An agent's folder and a PostgreSQL database for its runs, both gone with the test.</summary>
internal sealed class PostgresFolder : IAsyncDisposable
{
    private static int s_count;
    private readonly AgentFolder _folder;
    private readonly string _server = Requirement.Postgres().ConnectionString;
    private readonly string _name = $"cli{Interlocked.Increment(ref s_count)}";

    private PostgresFolder(string script, Func<string, string> tools)
    {
        Store = new NpgsqlConnectionStringBuilder(_server) { Database = _name, MaxPoolSize = 20 }.ConnectionString;
        _folder = new AgentFolder(script, tools(Store));
    }

    /// <summary>How to connect to the database.</summary>
    public string Store { get; }

    public string Path => _folder.Path;

    /// <param name="script">What the scripted model says.</param>
    /// <param name="tools">The agent's tools, given the database.</param>
    public static async Task<PostgresFolder> CreateAsync(string script, Func<string, string> tools)
    {
        var folder = new PostgresFolder(script, tools);
        await ExecuteAsync(folder._server, $"CREATE DATABASE {folder._name}");
        return folder;
    }

    public CliProcess Start(params string[] args) => _folder.Start([.. args, "--store", Store]);

    public Task<CliResult> RunAsync(params string[] args) => _folder.RunAsync([.. args, "--store", Store]);

    public Task<System.Text.Json.JsonElement> JsonAsync(params string[] args) => _folder.JsonAsync([.. args, "--store", Store]);

    public Task ExecuteAsync(string sql) => ExecuteAsync(Store, sql);

    public async Task<T> ScalarAsync<T>(string sql)
    {
        await using var connection = new NpgsqlConnection(Store);
        await connection.OpenAsync(TestContext.Current.CancellationToken);
        await using var command = new NpgsqlCommand(sql, connection);
        return (T)(await command.ExecuteScalarAsync(TestContext.Current.CancellationToken))!;
    }

    public async ValueTask DisposeAsync()
    {
        _folder.Dispose();
        NpgsqlConnection.ClearAllPools();
        await ExecuteAsync(_server, $"DROP DATABASE IF EXISTS {_name} WITH (FORCE)");
    }

    private static async Task ExecuteAsync(string connectionString, string sql)
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync(CancellationToken.None);
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(CancellationToken.None);
    }
}
