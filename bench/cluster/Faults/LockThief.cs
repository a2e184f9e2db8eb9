using Npgsql;

namespace Steward.ClusterBench.Faults;

/// <summary>A session that takes the locks of an append in the wrong order, budgets before runs, and so makes deadlocks.</summary>
internal sealed class LockThief : IAsyncDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _work;

    public LockThief(string connectionString, Random random) => _work = Task.Run(() => StealAsync(connectionString, random));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _work;
        _stop.Dispose();
    }

    private async Task StealAsync(string connectionString, Random random)
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                await using var connection = new NpgsqlConnection(connectionString);
                await connection.OpenAsync(_stop.Token);
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(_stop.Token);
                await RunAsync(connection, "SELECT scope FROM steward.budget WHERE scope = 'tenant:tight' OR scope LIKE 'run:%' FOR UPDATE");
                await Task.Delay(random.Next(5, 40), _stop.Token);
                await RunAsync(connection, "SELECT id FROM steward.run WHERE worker IS NOT NULL ORDER BY id DESC FOR UPDATE");
                await transaction.RollbackAsync(_stop.Token);
                await Task.Delay(random.Next(50, 200), _stop.Token);
            }
            catch (PostgresException)
            {
                // It was the victim this time.
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(_stop.Token);
    }
}
