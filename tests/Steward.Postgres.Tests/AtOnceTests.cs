using Npgsql;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Postgres.Tests;

/// <summary>What a node does in one trip by what it knows, when others have changed it meanwhile.</summary>
public sealed class AtOnceTests : IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Append_OfAHeldRun_IsOneTrip()
    {
        using LossyProxy proxy = new($"{new NpgsqlConnectionStringBuilder(Requirement.Postgres().ConnectionString).Host}/.s.PGSQL.5432");
        NpgsqlConnectionStringBuilder through = new(_schema.Options.ConnectionString!) { Host = "127.0.0.1", Port = proxy.Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable };
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = through.ConnectionString, Notify = false });
        TestRun run = await TestRun.ClaimedAsync(store);
        for (int i = 0; i < 8; i++)
            await run.AppendAsync(); // Until the driver has prepared the statements, which takes a trip.

        int before = proxy.Requests;
        await run.AppendAsync();

        Assert.Equal(1, proxy.Requests - before);
    }

    [Fact]
    public async Task Append_SwitchEngagedByHandInTheDatabase_IsKilled()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch() with { StartsEffect = true }));

        await _schema.ExecuteAsync("INSERT INTO steward.kill_switch (scope, by, at) VALUES ('global', 'psql', '2026-11-27T00:00:00.0000000+00:00')");

        Assert.IsType<AppendResult.Killed>(await run.AppendAsync(run.Batch() with { StartsEffect = true }));
        await _schema.ExecuteAsync("DELETE FROM steward.kill_switch");
        Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch() with { StartsEffect = true }));
    }

    [Theory]
    [InlineData("SET epoch = epoch + 1")]
    [InlineData("SET worker = NULL")]
    [InlineData("SET head = head + 1")]
    public async Task Append_RowChangedByAnother_IsFencedAndWritesNothing(string change)
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        TestRun other = await TestRun.ClaimedAsync(store);
        await run.AppendAsync();
        await _schema.ExecuteAsync($"UPDATE steward.run {change} WHERE uuid = $1", run.Id.Value);

        AppendResult[] results = await Task.WhenAll(run.AppendAsync(run.Batch()), other.AppendAsync(other.Batch()));

        Assert.IsType<AppendResult.Fenced>(results[0]);
        Assert.IsType<AppendResult.Committed>(results[1]);
        Assert.Equal(2L, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.event e JOIN steward.run r ON r.id = e.run WHERE r.uuid = $1", run.Id.Value));
    }

    [Fact]
    public async Task Append_RunTakenOverByAnotherNode_IsFenced()
    {
        await using PostgresStewardStore one = await _schema.OpenAsync();
        await using PostgresStewardStore two = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(one);
        await run.AppendAsync();
        TestRun heir = run.On(two);
        await _schema.ExecuteAsync("UPDATE steward.run SET claimable_at = clock_timestamp(); UPDATE steward.node SET expires_at = clock_timestamp()");
        await heir.ClaimAsync("w2");
        await heir.AppendAsync();

        Assert.Equal(new AppendResult.Fenced(2, 3), await run.AppendAsync(run.Batch()));
        await heir.AppendAsync();
        Assert.Equal(4, (await TestRun.ReadAsync(two, run.Id)).Count);
    }

    [Fact]
    public async Task Append_CutInTwoByAPartition_IsEndedByAnotherNodesSignOfLife()
    {
        using LossyProxy proxy = new($"{new NpgsqlConnectionStringBuilder(Requirement.Postgres().ConnectionString).Host}/.s.PGSQL.5432");
        NpgsqlConnectionStringBuilder through = new(_schema.Options.ConnectionString!) { Host = "127.0.0.1", Port = proxy.Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable };
        await using PostgresStewardStore parted = await _schema.OpenAsync(o => o with { ConnectionString = through.ConnectionString, Notify = false });
        await using PostgresStewardStore other = await _schema.OpenAsync(o => o with { TransactionTimeout = TimeSpan.FromSeconds(1) });
        TestRun run = await TestRun.ClaimedAsync(parted);
        await run.AppendAsync();
        proxy.PartAfter("guidance.added");
        Task<AppendResult> cut = run.AppendAsync(run.Batch(60, new string('x', 15_000)));
        await Survival.UntilAsync(async () => await OpenAsync() == 1);

        // A switch waits for whoever shares the control lock, and so for the trip of which the rest never comes.
        Task<bool> engaged = other.EngageAsync(new KillSwitch("global", "olga", null, TimeProvider.System.GetUtcNow()), Token).AsTask();
        await Survival.UntilAsync(async () =>
        {
            await other.RenewAsync("w2", [], TimeSpan.FromSeconds(10), Token);
            return engaged.IsCompleted;
        });

        Assert.True(await engaged);
        Assert.Equal(0, await OpenAsync());
        proxy.Heal();
        await Assert.ThrowsAnyAsync<StoreException>(() => cut);
        Assert.Equal(2, (await TestRun.ReadAsync(other, run.Id)).Count);

        Task<long> OpenAsync() => _schema.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND wait_event = 'ClientRead' AND query LIKE $1", $"%{_schema.Name}%");
    }

    [Fact]
    public async Task Release_WhileASignalArrives_LeavesTheRunClaimable()
    {
        const int Rounds = 200;
        await using PostgresStewardStore one = await _schema.OpenAsync();
        await using PostgresStewardStore two = await _schema.OpenAsync();
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, Rounds).Select(_ => TestRun.ClaimedAsync(one)));
        await Task.WhenAll(runs.Select(async (run, i) =>
        {
            Task<AppendResult> parked = run.AppendAsync(run.Batch() with { Status = RunStatus.Awaiting, Release = new RunRelease(null) });
            SignalResult sent = await two.SignalAsync(new Signal("s", run.Id, new MessageSignal([new TextPart("hello")])), Token);
            Assert.Equal(SignalResult.Accepted, sent);
            Assert.IsType<AppendResult.Committed>(await parked);
        }));

        Assert.Equal((long)Rounds, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE worker IS NULL AND claimable_at <= clock_timestamp()"));
    }

    [Fact]
    public async Task Start_ManyAtOnce_ShareCommits()
    {
        const int Count = 256;
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await store.StartAsync(TestRun.Start(), Token);
        long before = await NumberAsync();

        StartResult[] results = await Task.WhenAll(Enumerable.Range(0, Count).Select(i => store.StartAsync(TestRun.Start(key: $"k{i / 2}"), Token).AsTask()));

        Assert.Equal(Count / 2, results.Count(r => r.Created));
        Assert.Equal(Count / 2, results.Select(r => r.Run).Distinct().Count());
        Assert.True(await NumberAsync() - before < Count / 2, "They share commits.");
    }

    [Fact]
    public async Task Lent_SessionLeftChanged_NobodyElseFindsItSo()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = $"{o.ConnectionString};Maximum Pool Size=1", Notify = false });
        TestRun run = await TestRun.ClaimedAsync(store);
        AppendResult result = await store.AppendAsync(
            async (transaction, token) =>
            {
                await using System.Data.Common.DbCommand change = transaction.Connection!.CreateCommand();
                change.Transaction = transaction;
                change.CommandText = "SET search_path = nowhere; SET synchronous_commit = off; SELECT pg_advisory_lock(4711)";
                await change.ExecuteNonQueryAsync(token);
                return run.Batch();
            },
            Token);
        Assert.IsType<AppendResult.Committed>(result);

        // The only connection there is, lent once more.
        string? found = null;
        await store.AppendAsync(
            async (transaction, token) =>
            {
                await using System.Data.Common.DbCommand look = transaction.Connection!.CreateCommand();
                look.Transaction = transaction;
                look.CommandText = "SELECT current_setting('search_path') || ' ' || current_setting('synchronous_commit') || ' ' || (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711)";
                found = (string?)await look.ExecuteScalarAsync(token);
                throw new OperationCanceledException();
            },
            Token).AsTask().ContinueWith(t => t.IsFaulted || t.IsCanceled, TaskScheduler.Default);

        Assert.Equal("\"$user\", public on 0", found);
    }

    private Task<long> NumberAsync() => _schema.ScalarAsync<long>("SELECT pg_current_xact_id()::text::bigint");
}
