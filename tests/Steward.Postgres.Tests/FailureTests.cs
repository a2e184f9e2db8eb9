using Npgsql;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Postgres.Tests;

public sealed class FailureTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly TimeSpan s_retention = TimeSpan.FromDays(90);
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task Append_AnswerOfTheCommitIsLost_SaysSoAndIsReadBack(bool happened, bool atOnce)
    {
        using LossyProxy proxy = Proxy();
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = Through(proxy) });
        TestRun run = await TestRun.ClaimedAsync(store);
        await run.AppendAsync();
        RunBatch batch = run.Batch(2);
        if (!atOnce)
            batch = batch with { Feedback = [new Feedback { Id = "f", Run = run.Id, By = "test", Kind = FeedbackKind.Explicit, Score = 1, At = TimeProvider.System.GetUtcNow() }] }; // It goes under locks.
        string commit = atOnce ? "guidance.added" : "COMMIT\0";
        if (happened)
            proxy.LoseAnswer(commit);
        else
            proxy.LoseCommit(commit);

        StoreException error = await Assert.ThrowsAnyAsync<StoreException>(() => run.AppendAsync(batch));

        Assert.Equal((StoreFailure.Io, 1), (error.Failure, proxy.Lost));
        Assert.Contains("may or may not", error.Message, StringComparison.Ordinal);
        Assert.Equal(happened ? 4 : 2, (await TestRun.ReadAsync(store, run.Id)).Count);
        if (happened)
            run.Keep(batch);
        await run.AppendAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Prune_AnswerOfTheCommitIsLost_SaysSoAndIsMadeAgain(bool happened)
    {
        using LossyProxy proxy = Proxy();
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = Through(proxy) });
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => TestRun.ClaimedAsync(store)));
        foreach (TestRun run in runs)
            await run.EndAsync();
        await _schema.ExecuteAsync("UPDATE steward.run SET updated_at = updated_at - interval '100 days'");
        RunId[] two = [runs[0].Id, runs[1].Id];
        if (happened)
            proxy.LoseAnswer();
        else
            proxy.LoseCommit();

        StoreException error = await Assert.ThrowsAnyAsync<StoreException>(async () => await store.PruneAsync(two, s_retention, Token));

        Assert.Contains("may or may not", error.Message, StringComparison.Ordinal);
        Assert.Equal(happened ? 2 : 4, (await store.FindAsync(new RunQuery(), Token)).Count);
        Assert.Equal(happened ? [] : two.ToHashSet(), (await store.PruneAsync(two, s_retention, Token)).ToHashSet());
        Assert.Equal(2, (await store.FindAsync(new RunQuery(), Token)).Count);
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task Prune_RunThatAnotherNodeSawGoForwards_IsNotTakenForLost()
    {
        await using PostgresStewardStore first = await _schema.OpenAsync();
        await using PostgresStewardStore second = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(first);
        await run.AppendAsync(3);
        await _schema.ExecuteAsync("UPDATE steward.run SET worker = NULL, claimable_at = now()");
        TestRun taken = run.On(second);
        await taken.ClaimAsync("w2");
        await taken.EndAsync();
        await _schema.ExecuteAsync("UPDATE steward.run SET updated_at = updated_at - interval '100 days'");
        Assert.Equal([run.Id], await second.PruneAsync([run.Id], s_retention, Token));

        Assert.Empty(await TestRun.ReadAsync(first, run.Id));
        Assert.IsType<AppendResult.Fenced>(await run.AppendAsync(run.Batch()));
    }

    [Fact]
    public async Task Append_BackendsAreKilledAllTheTime_NothingAcknowledgedIsLostNorDoubled()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = o.ConnectionString + ";Application Name=steward-victim" });
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, SuiteSize.Of(8, 16)).Select(_ => TestRun.ClaimedAsync(store)));
        int appends = SuiteSize.Of(10, 40);
        int[] failed = new int[2];
        Task work = Task.WhenAll(runs.Select(run => Task.Run(async () =>
        {
            for (int i = 0; i < appends; i++)
                await AppendForSureAsync(store, run, failed);
        })));
        int killed = 0;
        await using (NpgsqlConnection killer = await _schema.ConnectAsync())
        {
            while (!work.IsCompleted)
            {
                await using NpgsqlCommand kill = new("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'steward-victim'", killer);
                killed += (int)(long)(await kill.ExecuteScalarAsync(Token))!;
                await Task.WhenAny(work, Task.Delay(100, Token));
            }
        }

        await work;
        foreach (TestRun run in runs)
            Assert.Equal(run.Acknowledged.Select(e => e.Hash.ToArray()), (await TestRun.ReadAsync(store, run.Id)).Select(e => e.Hash.ToArray()));
        Assert.True(killed > 2, $"Only {killed} backends were killed.");
        output.WriteLine($"{killed} backends killed, {failed[0]} appends without an answer, {failed[1]} of them had happened; {runs.Length * appends} entries, each there once.");
    }

    /// <summary>Faults S8 and D5: an older backup was restored, or a failover lost the last commits. The journal is sound, but too short.</summary>
    [Fact]
    public async Task Read_DatabaseWentBackwards_IsNoticedByWhoSawItGoForwards()
    {
        await using PostgresStewardStore witness = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(witness);
        await run.AppendAsync(3);
        JournalEntry kept = run.Head;
        await run.AppendAsync(2);
        await _schema.ExecuteAsync("DELETE FROM steward.event WHERE seq > $1", kept.Sequence);
        await _schema.ExecuteAsync("UPDATE steward.run SET head = $1, head_hash = $2", kept.Sequence, kept.Hash.ToArray());

        JournalException error = await Assert.ThrowsAsync<JournalException>(() => TestRun.ReadAsync(witness, run.Id));
        Assert.Equal(kept.Sequence + 1, error.Sequence);
        Assert.Contains("went backwards", error.Message, StringComparison.Ordinal);
        Assert.IsType<AppendResult.Fenced>(await run.AppendAsync(run.Batch()));
        await using PostgresStewardStore newcomer = await _schema.OpenAsync();
        Assert.Equal(4, (await TestRun.ReadAsync(newcomer, run.Id)).Count);
    }

    [Fact]
    public async Task Verify_WhatWasTamperedWith_IsNamed()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => TestRun.ClaimedAsync(store)));
        foreach (TestRun run in runs)
            await run.AppendAsync(4, new string('x', run == runs[4] ? 40_000 : 10));
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));

        await _schema.ExecuteAsync("UPDATE steward.event SET payload = payload || ' '::bytea WHERE seq = 2 AND run = (SELECT id FROM steward.run WHERE uuid = $1)", runs[0].Id.Value);
        await _schema.ExecuteAsync("DELETE FROM steward.event WHERE seq = 3 AND run = (SELECT id FROM steward.run WHERE uuid = $1)", runs[1].Id.Value);
        await _schema.ExecuteAsync("DELETE FROM steward.event WHERE seq = 5 AND run = (SELECT id FROM steward.run WHERE uuid = $1)", runs[2].Id.Value);
        await _schema.ExecuteAsync("UPDATE steward.run SET head_hash = '\\x00' WHERE uuid = $1", runs[3].Id.Value);
        await _schema.ExecuteAsync("UPDATE steward.blob SET content = content || ' '::bytea");
        IReadOnlyList<StoreProblem> problems = await store.VerifyAsync(cancellationToken: Token);

        Assert.Contains(problems, p => p.Run == runs[0].Id && p.Sequence == 2);
        Assert.Contains(problems, p => p.Run == runs[1].Id && p.Sequence == 3 && p.Description.Contains("gap", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Run == runs[2].Id && p.Sequence == 5 && p.Description.Contains("ends at 4", StringComparison.Ordinal));
        Assert.Contains(problems, p => p.Run == runs[3].Id && p.Sequence == 5);
        Assert.Contains(problems, p => p.Run == runs[4].Id && p.Sequence == 2);
        Assert.Contains(problems, p => p.Run is null && p.Description.Contains("blob", StringComparison.Ordinal));
        Assert.All(await store.VerifyAsync(runs[1].Id, Token), p => Assert.Equal(runs[1].Id, p.Run));
    }

    [Fact]
    public async Task Open_NewerSchema_IsRefusedWithTheRemedy()
    {
        await (await _schema.OpenAsync()).DisposeAsync();
        await _schema.ExecuteAsync("INSERT INTO steward.schema_version (version) VALUES (99)");

        StoreException error = await Assert.ThrowsAsync<StoreException>(() => _schema.OpenAsync());

        Assert.Equal(StoreFailure.NewerSchema, error.Failure);
        Assert.Contains("Run the newer Steward", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Write_ReadOnlyServer_SaysSo()
    {
        await (await _schema.OpenAsync()).DisposeAsync();
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = o.ConnectionString + ";Options=-c default_transaction_read_only=on" });
        StoreException error = await Assert.ThrowsAsync<StoreException>(async () => await store.StartAsync(TestRun.Start(), Token));
        Assert.Equal(StoreFailure.ReadOnly, error.Failure);
        Assert.Empty(await store.FindAsync(new RunQuery(), Token));
    }

    [Fact]
    public async Task Write_NoConnectionLeft_IsBusyAndWorksLater()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { ConnectionString = o.ConnectionString!.Replace("Maximum Pool Size=10", "Maximum Pool Size=1;Timeout=1", StringComparison.Ordinal) });
        TestRun run = await TestRun.ClaimedAsync(store);
        await using NpgsqlConnection neighbour = await _schema.ConnectAsync();
        Task append;
        await using (NpgsqlTransaction holding = await neighbour.BeginTransactionAsync(Token))
        {
            await using NpgsqlCommand hold = new($"SELECT 1 FROM {_schema.Name}.run FOR UPDATE", neighbour);
            await hold.ExecuteNonQueryAsync(Token);
            append = run.AppendAsync();
            while (await _schema.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE $1", $"%{_schema.Name}%") == 0)
                await Task.Delay(5, Token);
            StoreException error = await Assert.ThrowsAsync<StoreException>(async () => await store.FindAsync(new RunQuery(), Token));
            Assert.Equal(StoreFailure.Busy, error.Failure);
            await holding.RollbackAsync(Token);
        }

        await append;
        Assert.Single(await store.FindAsync(new RunQuery(), Token));
    }

    [Fact]
    public async Task Open_NoServer_SaysSo()
    {
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => PostgresStewardStore.OpenAsync(
            new PostgresStoreOptions { ConnectionString = "Host=/nowhere;Username=postgres;Password=secret;Timeout=2" }, cancellationToken: Token));
        Assert.Equal(StoreFailure.Io, error.Failure);
        Assert.DoesNotContain("secret", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_ThatContradictThemselves_AreRefused()
    {
        foreach (PostgresStoreOptions bad in new PostgresStoreOptions[]
        {
            new(),
            new() { ConnectionString = "Host=x", Schema = "Robert'); DROP" },
            new() { ConnectionString = "Host=x", Writers = 0 },
            new() { ConnectionString = "Host=x", MaxGroup = 0 },
            new() { ConnectionString = "Host=x", TransactionTimeout = TimeSpan.Zero },
        })
            await Assert.ThrowsAnyAsync<ArgumentException>(() => PostgresStewardStore.OpenAsync(bad, cancellationToken: Token));
    }

    [Theory]
    [InlineData("PostgresStoreOptions.Writers is 17; it must be from 1 to 16.", 17, 1, 10)]
    [InlineData("PostgresStoreOptions.MaxGroup is 0; it must be from 1 to 1000.", 1, 0, 10)]
    [InlineData("PostgresStoreOptions.TransactionTimeout is 00:00:00; it must be from 00:00:01 to 01:00:00.", 1, 1, 0)]
    public async Task Options_OutOfRange_AreRefusedWithOptionValueAndRange(string message, int writers, int group, int seconds)
    {
        PostgresStoreOptions options = new()
        {
            ConnectionString = "Host=x",
            Writers = writers,
            MaxGroup = group,
            TransactionTimeout = TimeSpan.FromSeconds(seconds),
        };

        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(
            () => PostgresStewardStore.OpenAsync(options, cancellationToken: Token));

        Assert.Equal(message, e.Message);
    }

    [Fact]
    public async Task Store_OnADataSourceOfItsCaller_LeavesItOpen()
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(_schema.Options.ConnectionString!);
        await using (PostgresStewardStore store = await PostgresStewardStore.OpenAsync(_schema.Options with { ConnectionString = null, DataSource = source }, cancellationToken: Token))
            await (await TestRun.ClaimedAsync(store)).AppendAsync();
        await using NpgsqlConnection still = await source.OpenConnectionAsync(Token);
    }

    [Fact]
    public async Task Node_ThatFreezesInsideATransaction_HoldsUpNobodyForLong()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { TransactionTimeout = TimeSpan.FromSeconds(1) });
        TestRun run = await TestRun.ClaimedAsync(store);
        await using NpgsqlDataSource frozen = NpgsqlDataSource.Create(_schema.Options.ConnectionString + ";Options=-c idle_in_transaction_session_timeout=1000");
        NpgsqlConnection connection = await frozen.OpenConnectionAsync(Token);
        await connection.BeginTransactionAsync(Token);
        await using (NpgsqlCommand hold = new($"SELECT 1 FROM {_schema.Name}.run FOR UPDATE", connection))
            await hold.ExecuteNonQueryAsync(Token);

        await run.AppendAsync();
        await Assert.ThrowsAnyAsync<NpgsqlException>(async () => await connection.DisposeAsync());
    }

    private static LossyProxy Proxy()
    {
        NpgsqlConnectionStringBuilder server = new(Requirement.Postgres().ConnectionString);
        return new LossyProxy($"{server.Host}/.s.PGSQL.5432");
    }

    private string Through(LossyProxy proxy) =>
        new NpgsqlConnectionStringBuilder(_schema.Options.ConnectionString!) { Host = "127.0.0.1", Port = proxy.Port, SslMode = SslMode.Disable, GssEncryptionMode = GssEncryptionMode.Disable }.ConnectionString;

    /// <summary>As the session does it: what failed is read back, and made again only where it is not there.</summary>
    private static async Task AppendForSureAsync(PostgresStewardStore store, TestRun run, int[] failed)
    {
        RunBatch batch = run.Batch();
        while (true)
        {
            try
            {
                Assert.IsType<AppendResult.Committed>(await run.AppendAsync(batch));
                return;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Io)
            {
                Interlocked.Increment(ref failed[0]);
            }

            if (await HeadAsync(store, run) < batch.Entries[0].Sequence)
                continue;
            Interlocked.Increment(ref failed[1]);
            run.Keep(batch);
            return;
        }
    }

    private static async Task<long> HeadAsync(PostgresStewardStore store, TestRun run)
    {
        while (true)
        {
            try
            {
                return (await TestRun.InfoAsync(store, run.Id))!.Sequence;
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Io)
            {
                await Task.Yield();
            }
        }
    }
}
