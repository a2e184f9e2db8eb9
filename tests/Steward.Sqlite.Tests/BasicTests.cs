using Steward.Journal;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

public sealed class BasicTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Store_Reopened_HoldsEverything()
    {
        TestRun run;
        RunStart start = TestRun.Start(session: "42", key: "order-7", ceilings: new BudgetCeilings { Usd = 2.5m, Tokens = 1_000 });
        Blob blob = Blob.Of("some content"u8.ToArray());
        BudgetAmount reserved = new(1, 0, 100, 0.75m);
        await using (SqliteStewardStore store = await _folder.OpenAsync())
        {
            run = await TestRun.ClaimedAsync(store, start: start);
            await run.AppendAsync(3);
            await run.AppendAsync(1, new string('x', 100_000));
            await store.SignalAsync(new Signal("s1", run.Id, new MessageSignal([new TextPart("more")])), Token);
            await store.SignalAsync(new Signal("s2", run.Id, new CancelSignal("ann", "enough")), Token);
            RunBatch last = run.Batch() with
            {
                Budget = [new BudgetChange(new DateOnly(2026, 11, 23), BudgetAmount.Zero, BudgetAmount.Zero, reserved)],
                Blobs = [blob],
                Consumes = ["s1"],
                Snapshot = new RunSnapshot(5, 1, "state"u8.ToArray()),
            };
            Assert.IsType<AppendResult.Committed>(await run.AppendAsync(last));
            await store.EngageAsync(new KillSwitch("tenant:other", "olga", null, TimeProvider.System.GetUtcNow()), Token);
            await store.SetCeilingsAsync(BudgetScope.ForTenant("acme"), new BudgetCeilings { ModelCalls = 9 }, Token);
        }

        await using SqliteStewardStore again = await _folder.OpenAsync();
        Assert.Equal(run.Acknowledged.Select(e => Convert.ToHexString(e.Hash.Span)), (await TestRun.ReadAsync(again, run.Id)).Select(e => Convert.ToHexString(e.Hash.Span)));
        RunInfo info = Assert.IsType<RunInfo>(await TestRun.InfoAsync(again, run.Id));
        Assert.Equal((RunStatus.Executing, 6L, 1L, "w1", "42", reserved), (info.Status, info.Sequence, info.Epoch, info.Worker, info.Session, info.Reserved));
        Assert.Equal(new StartResult(run.Id, Created: false), await again.StartAsync(TestRun.Start(key: "order-7"), Token));
        Signal signal = Assert.Single(await again.InboxAsync(run.Id, Token));
        Assert.Equal(new Signal("s2", run.Id, new CancelSignal("ann", "enough")), signal);
        Assert.Equal(SignalResult.Duplicate, await again.SignalAsync(new Signal("s1", run.Id, new CancelSignal("ann", null)), Token));
        Assert.Equal(blob.Content, (await again.GetAsync(blob.Hash, Token))!.Value.ToArray());
        Assert.Equal("tenant:other", Assert.Single(await again.SwitchesAsync(Token)).Scope);
        Assert.Equal(
            ["agent:support@2026-11-23", "global", $"run:{run.Id}", "session:acme/42", "tenant:acme"],
            (await again.BudgetsAsync(cancellationToken: Token)).Select(b => b.Scope.Key));
        BudgetInfo own = Assert.Single(await again.BudgetsAsync($"run:{run.Id}", cancellationToken: Token));
        Assert.Equal((2.5m, 1_000L, reserved), (own.Ceilings.Usd!.Value, own.Ceilings.Tokens!.Value, own.Reserved));
    }

    [Fact]
    public async Task Store_Closed_RefusesEverything()
    {
        SqliteStewardStore store = await _folder.OpenAsync();
        await store.DisposeAsync();
        StoreException write = await Assert.ThrowsAsync<StoreException>(async () => await store.StartAsync(TestRun.Start(), Token));
        StoreException read = await Assert.ThrowsAsync<StoreException>(async () => await store.SwitchesAsync(Token));
        Assert.Equal((StoreFailure.Closed, StoreFailure.Closed), (write.Failure, read.Failure));
    }

    [Fact]
    public async Task Store_Closed_LeavesOneFileAndTheWitness()
    {
        await using (SqliteStewardStore store = await _folder.OpenAsync())
            await (await TestRun.ClaimedAsync(store)).AppendAsync(10);
        Assert.Equal(["runs.db", "runs.db-witness"], Directory.GetFiles(_folder.Folder).Select(Path.GetFileName).Order());
    }

    [Fact]
    public async Task Append_ChainBroken_NamesRunAndSequence()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        await run.AppendAsync(2);
        RunBatch foreign = run.Batch() with
        {
            Entries = [JournalEntry.Create(run.Id, 4, JournalEntry.Origin, new GuidanceAdded(Guidance.WrapUp, "forged"), TimeProvider.System.GetUtcNow())],
        };
        JournalException error = await Assert.ThrowsAsync<JournalException>(async () => await store.AppendAsync(foreign, Token));
        Assert.Equal((run.Id, 4L), (error.Run!.Value, error.Sequence!.Value));
        Assert.Equal(3, (await TestRun.ReadAsync(store, run.Id)).Count);
    }

    [Fact]
    public async Task Open_NotADatabase_IsCorrupt()
    {
        await File.WriteAllTextAsync(_folder.Database, new string('x', 8192), Token);
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => _folder.OpenAsync());
        Assert.Equal(StoreFailure.Corrupt, error.Failure);
        Assert.Contains(_folder.Database, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_NoSuchFolder_SaysSo()
    {
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => _folder.OpenAsync(o => o with { Path = "/no/such/folder/runs.db" }));
        Assert.Equal(StoreFailure.Io, error.Failure);
        Assert.Contains("directory", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Durability_ByDefault_SurvivesAPowerCut() => Assert.Equal(SqliteDurability.Full, _folder.Options.Durability);

    [Theory]
    [InlineData(SqliteDurability.Full, 2)]
    [InlineData(SqliteDurability.Normal, 1)]
    public void Durability_Chosen_IsSQLites(SqliteDurability durability, long synchronous)
    {
        using Data.Db db = Schema.OpenWriter(_folder.Options with { Durability = durability });
        Assert.Equal(synchronous, db.Number("PRAGMA synchronous"));
        Assert.Equal("wal", db.Text("PRAGMA journal_mode"));
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Open_AnOptionOutOfRange_IsRefusedBeforeTheFileIsMade()
    {
        string path = System.IO.Path.Combine(System.IO.Path.GetTempPath(), $"steward-{nameof(Open_AnOptionOutOfRange_IsRefusedBeforeTheFileIsMade)}.db");
        SqliteStoreOptions wrong = new() { Path = path, MaxGroup = 0 };

        ArgumentException e = await Assert.ThrowsAsync<ArgumentException>(async () => await SqliteStewardStore.OpenAsync(wrong, TimeProvider.System, cancellationToken: TestContext.Current.CancellationToken));

        Assert.Equal("SqliteStoreOptions.MaxGroup is 0; it must be from 1 to 10000.", e.Message);
        Assert.False(File.Exists(path));
    }
}
