using Npgsql;
using Steward.Postgres;
using Steward.Tests.Shared;

namespace Steward.Bench;

/// <summary>What a cluster on PostgreSQL does: a server of its own on this machine, with <c>fsync</c> on, so that both share the cores.</summary>
internal static class PostgresBench
{
    public static async Task<int> RunAsync(string? only, bool quick)
    {
        (string Name, Func<Report, PostgresServer, bool, Task> Run)[] parts =
        [
            ("throughput", PostgresThroughputBench.RunAsync),
            ("nodes", NodesBench.RunAsync),
            ("takeover", NodesBench.TakeOverAsync),
            ("parked", PostgresParkedBench.RunAsync),
            ("timers", PostgresParkedBench.TimersAsync),
            ("toast", ToastBench.RunAsync),
        ];
        if (PostgresServer.FindBin() is null || (only is not null && parts.All(p => p.Name != only)))
        {
            Console.Error.WriteLine(only is null ? "PostgreSQL is not installed in /usr/lib/postgresql." : $"There is no part '{only}'; expected {string.Join(", ", parts.Select(p => p.Name))}.");
            return 2;
        }

        Report report = new();
        foreach ((string name, Func<Report, PostgresServer, bool, Task> run) in parts.Where(p => only is null || p.Name == only))
        {
            Console.Error.WriteLine($"{name} …");
            PostgresServer server = PostgresServer.StartOwn();
            try
            {
                await run(report, server, quick);
            }
            finally
            {
                NpgsqlConnection.ClearAllPools();
                server.Stop();
            }
        }

        report.Print(Console.Out);
        return 0;
    }

    public static Task<PostgresStewardStore> OpenAsync(PostgresServer server) => OpenAsync(server.ConnectionString);

    public static Task<PostgresStewardStore> OpenAsync(string connectionString) =>
        PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = connectionString });

    public static async Task<T> ScalarAsync<T>(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 600 };
        return (T)(await command.ExecuteScalarAsync() ?? default(T))!;
    }
}
