using Npgsql;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Shared;
using Steward.Tests.Support;
using static Steward.Postgres.Tests.Survival;

namespace Steward.Postgres.Tests;

/// <summary>Fault D9: PgBouncer in transaction mode, where each transaction may be another session's. The models are scripted.</summary>
public sealed class PoolerTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly PgBouncer _pooler = Requirement.PgBouncer();
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task D9_TwoNodesOnThreeSessions_WhilePoolerAndSessionsDie_EveryEffectIsMadeOnce()
    {
        using var pooler = new PgBouncer(PostgresServer.Shared, sessions: 3);
        var effects = new Effects();
        await using PostgresStewardStore one = await _schema.OpenPooledAsync(pooler), two = await _schema.OpenPooledAsync(pooler);
        await using Harness first = Node(one, effects), second = Node(two, effects);
        long sessions = 0;
        await SurviveAsync(first, one, effects, async () =>
        {
            await second.StartAsync();
            await UntilAsync(() => effects.Count >= 40);
            sessions = await _schema.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE query LIKE $1 AND pid <> pg_backend_pid()", $"%\"{_schema.Name}\".%");
            await UntilAsync(() => effects.Count >= 100);
            pooler.Crash();
        });
        Assert.InRange(sessions, 1, 3);
        output.WriteLine($"{RunCount} runs of {StepCount} effects by two nodes on {sessions} sessions, which were killed, as was the pooler: each effect once, {effects.Probes} lost results settled by the probe.");
    }

    [Fact]
    public async Task Open_WithoutSayingThatThereIsAPooler_IsRefusedWithTheRemedy()
    {
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => _schema.OpenAsync(o => o with { ConnectionString = _pooler.ConnectionString }));

        Assert.Equal(StoreFailure.Io, error.Failure);
        Assert.Contains("Set PostgresStoreOptions.Pooled", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Node_FreezesInsideATransaction_HoldsUpNobodyForLong()
    {
        await using PostgresStewardStore store = await _schema.OpenPooledAsync(_pooler, o => o with { TransactionTimeout = TimeSpan.FromSeconds(1) });
        TestRun run = await TestRun.ClaimedAsync(store);
        TaskCompletionSource holds = new(), thaw = new();
        Task frozen = Task.Run(() => store.AppendAsync(
            async (transaction, cancellationToken) =>
            {
                await using NpgsqlCommand hold = new($"SELECT 1 FROM {_schema.Name}.run FOR UPDATE", (NpgsqlConnection)transaction.Connection!);
                await hold.ExecuteNonQueryAsync(cancellationToken);
                holds.SetResult();
                await thaw.Task;
                return run.Batch();
            },
            Token).AsTask());
        await holds.Task;

        await run.AppendAsync();
        thaw.SetResult();

        await Assert.ThrowsAnyAsync<StewardException>(() => frozen);
        Assert.Equal(2, (await TestRun.ReadAsync(store, run.Id)).Count);
    }

    [Fact]
    public async Task Hints_ComeOverTheDirectConnectionAlone()
    {
        await using PostgresStewardStore deaf = await _schema.OpenPooledAsync(_pooler);
        await using PostgresStewardStore here = await OpenWithDirectAsync();
        await using PostgresStewardStore there = await OpenWithDirectAsync();
        Assert.Empty(await deaf.HintsAsync(Token).ToListAsync(Token));
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await using IAsyncEnumerator<RunId?> heard = there.HintsAsync(stop.Token).GetAsyncEnumerator(Token);
        Assert.True(await heard.MoveNextAsync());
        Assert.Null(heard.Current); // Listening: anything may have been missed before.

        RunStart start = TestRun.Start();
        await here.StartAsync(start, Token);

        Assert.True(await heard.MoveNextAsync());
        Assert.Equal(start.Run, heard.Current);
        await stop.CancelAsync();

        Task<PostgresStewardStore> OpenWithDirectAsync() => _schema.OpenPooledAsync(_pooler, o => o with { DirectConnectionString = Requirement.Postgres().ConnectionString });
    }

    [Fact]
    public async Task Store_OnADataSourceOfItsCaller_WorksBehindThePooler()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create($"{_pooler.ConnectionString};No Reset On Close=true");
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = null, DataSource = source, Pooled = true });
        TestRun run = await TestRun.ClaimedAsync(store);
        await run.AppendAsync(3);
        Assert.Equal(4, (await TestRun.ReadAsync(store, run.Id)).Count);
    }

    [Fact]
    public async Task Options_ThatNeedASession_AreRefused()
    {
        await using NpgsqlDataSource resets = NpgsqlDataSource.Create("Host=x");
        foreach ((PostgresStoreOptions bad, string name) in new (PostgresStoreOptions, string)[]
        {
            (new() { ConnectionString = "Host=x;Max Auto Prepare=8", Pooled = true }, "Max Auto Prepare=8"),
            (new() { ConnectionString = "Host=x;Options=-c geqo=off", Pooled = true }, "-c geqo=off"),
            (new() { DataSource = resets, Pooled = true }, "No Reset On Close"),
            (new() { ConnectionString = "Host=x", DirectConnectionString = "Host=y" }, "Pooled"),
        })
            Assert.Contains(name, (await Assert.ThrowsAsync<ArgumentException>(() => PostgresStewardStore.OpenAsync(bad, cancellationToken: Token))).Message, StringComparison.Ordinal);
    }
}
