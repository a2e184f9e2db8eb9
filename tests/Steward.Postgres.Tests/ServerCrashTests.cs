using Npgsql;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using static Steward.Postgres.Tests.Survival;

namespace Steward.Postgres.Tests;

/// <summary>The whole runtime on a server that fails under it. The models are scripted.</summary>
public sealed class ServerCrashTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    /// <summary>Fault D4: the server dies in the middle of commits and recovers from its log.</summary>
    [Fact]
    public async Task D4_ServerDiesInTheMiddleOfCommits_EveryRunEndsAndEveryEffectIsMadeOnce()
    {
        Requirement.Postgres();
        PostgresServer server = PostgresServer.StartOwn();
        try
        {
            var effects = new Effects();
            await using PostgresStewardStore store = await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = server.ConnectionString }, cancellationToken: Token);
            int crashes = 0;
            await SurviveAsync(store, effects, async () =>
            {
                for (; crashes < 3; crashes++)
                {
                    int before = effects.Count;
                    await UntilAsync(() => effects.Count >= before + 20 || effects.Count == RunCount * StepCount);
                    server.Crash();
                }
            });
            output.WriteLine($"{RunCount} runs of {StepCount} effects, {crashes} crashes of the server, each effect once, {effects.Probes} lost results settled by the probe.");
        }
        finally
        {
            server.Stop();
        }
    }

    /// <summary>Fault D8: the primary is read-only for a while, as during a switch-over.</summary>
    [Fact]
    public async Task D8_DatabaseIsReadOnlyForAWhile_RunsGoOnWhenItIsNot()
    {
        Requirement.Postgres();
        PostgresServer server = PostgresServer.StartOwn(); // The setting is the whole database's: other tests have none of it.
        try
        {
            var effects = new Effects();
            await using PostgresStewardStore store = await PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = $"{server.ConnectionString};Application Name=steward-victim" }, cancellationToken: Token);
            await SurviveAsync(store, effects, async () =>
            {
                await UntilAsync(() => effects.Count >= 20);
                await TurnAsync(server, "ALTER DATABASE postgres SET default_transaction_read_only = on");
                int before = effects.Count;
                await Task.WhenAny(UntilAsync(() => effects.Count > before + 100), Task.Delay(TimeSpan.FromSeconds(2), Token));
                await TurnAsync(server, "SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only");
                Assert.InRange(effects.Count, 20, before + RunCount); // What was in flight ends; nothing else begins.
            });
        }
        finally
        {
            server.Stop();
        }
    }

    private static async Task TurnAsync(PostgresServer server, string sql)
    {
        await using var connection = new NpgsqlConnection(server.ConnectionString);
        await connection.OpenAsync(Token);
        // One after the other: what is sent at once is one transaction, and whoever connects before its commit would still find the old setting.
        foreach (string statement in (string[])[sql, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'steward-victim'"])
        {
            await using var command = new NpgsqlCommand(statement, connection);
            await command.ExecuteNonQueryAsync(Token);
        }
    }

    /// <summary>Fault D7: fewer connections than runs that want one.</summary>
    [Fact]
    public async Task D7_PoolOfTwoConnections_EveryRunEnds()
    {
        var effects = new Effects();
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with
        {
            Notify = false,
            ConnectionString = o.ConnectionString!.Replace("Maximum Pool Size=10", "Maximum Pool Size=2;Timeout=2", StringComparison.Ordinal),
        });
        await SurviveAsync(store, effects, () => Task.CompletedTask);
    }

    /// <summary>Faults N2 and N4: one node and the database are parted for longer than a lease, both ways or one way, and find each other again.</summary>
    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public async Task N2_N4_OneNodeIsPartedFromTheDatabase_OthersGoOnAndNothingIsDoneTwice(bool requests, bool answers)
    {
        NpgsqlConnectionStringBuilder server = new(_schema.Options.ConnectionString!);
        using var proxy = new LossyProxy($"{server.Host}/.s.PGSQL.5432");
        server.Host = "127.0.0.1";
        server.Port = proxy.Port;
        server.SslMode = SslMode.Disable;
        server.GssEncryptionMode = GssEncryptionMode.Disable;
        var effects = new Effects();
        await using PostgresStewardStore parted = await _schema.OpenAsync(o => o with { ConnectionString = server.ConnectionString });
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await using Harness first = Node(parted, effects), second = Node(store, effects);
        await SurviveAsync(first, store, effects, async () =>
        {
            // The first node has all the runs when it is parted; the second one comes then.
            await UntilAsync(() => effects.Count >= 20);
            proxy.Part(requests, answers);
            await second.StartAsync();
            await UntilAsync(async () => (await store.FindAsync(new RunQuery(), Token)).Any(r => r.Epoch > 1));
            await UntilAsync(() => effects.Count >= RunCount * StepCount / 2);
            proxy.Heal();
        });
        IReadOnlyList<RunInfo> runs = await store.FindAsync(new RunQuery(), Token);
        output.WriteLine($"{runs.Count(r => r.Epoch > 1)} of {RunCount} runs were taken over; {effects.Count} effects, each once, {effects.Probes} lost results settled by the probe.");
    }
}
