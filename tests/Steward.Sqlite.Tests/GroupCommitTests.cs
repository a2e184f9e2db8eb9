using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

public sealed class GroupCommitTests : IDisposable
{
    private const int IoErrorFsync = 10 | (4 << 8);
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Appends_QueuedDuringACommit_ShareTheNext()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun[] runs = await RunsAsync(store, 100);
        long before = store.Commits;

        await WhileCommitting(store, () => [.. runs.Select(run => run.AppendAsync(run.Batch()))]);

        Assert.Equal(2, store.Commits - before);
        foreach (TestRun run in runs)
            Assert.Equal(2, (await TestRun.ReadAsync(store, run.Id)).Count);
    }

    [Fact]
    public async Task Group_WithRefusals_CommitsTheRest()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun[] runs = await RunsAsync(store, 6);
        await store.SetCeilingsAsync(BudgetScope.ForRun(runs[2].Id), new BudgetCeilings { ToolCalls = 1 }, Token);
        await store.EngageAsync(new KillSwitch($"run:{runs[3].Id}", "olga", null, TimeProvider.System.GetUtcNow()), Token);
        BudgetChange tools = new(new DateOnly(2026, 11, 23), BudgetAmount.Zero, BudgetAmount.Zero, new BudgetAmount(ToolCalls: 2));
        RunBatch[] batches =
        [
            runs[0].Batch(),
            runs[1].Batch() with { Lease = runs[1].Lease with { Epoch = 7 } },
            runs[2].Batch() with { Budget = [tools], StartsEffect = true },
            runs[3].Batch() with { StartsEffect = true },
            runs[4].Batch() with { Consumes = ["never came"] },
            runs[5].Batch(),
        ];

        Task<AppendResult>[] answers = await WhileCommitting(store, () => [.. batches.Select((batch, i) => runs[i].AppendAsync(batch))], throws: false);

        Assert.IsType<AppendResult.Committed>(await answers[0]);
        Assert.Equal(new AppendResult.Fenced(1, 1), await answers[1]);
        Assert.Equal(BudgetMetric.ToolCalls, Assert.IsType<AppendResult.OverBudget>(await answers[2]).Shortfall.Metric);
        Assert.IsType<AppendResult.Killed>(await answers[3]);
        await Assert.ThrowsAsync<ArgumentException>(() => answers[4]);
        Assert.IsType<AppendResult.Committed>(await answers[5]);
        foreach ((TestRun run, int length) in runs.Zip([2, 1, 1, 1, 1, 2]))
            Assert.Equal(length, (await TestRun.ReadAsync(store, run.Id)).Count);
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task Group_SharedCeiling_IsNeverExceeded()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun[] runs = await RunsAsync(store, 50);
        await store.SetCeilingsAsync(BudgetScope.Global, new BudgetCeilings { Usd = 2.0m }, Token);
        BudgetChange reserve = new(new DateOnly(2026, 11, 23), BudgetAmount.Zero, BudgetAmount.Zero, new BudgetAmount(Usd: 0.1m));

        Task<AppendResult>[] answers = await WhileCommitting(store, () => [.. runs.Select(run => run.AppendAsync(run.Batch() with { Budget = [reserve] }))]);

        Assert.Equal(20, (await Task.WhenAll(answers)).Count(a => a is AppendResult.Committed));
        Assert.Equal(2.0m, Assert.Single(await store.BudgetsAsync("global", cancellationToken: Token)).Reserved.Usd);
    }

    [Fact]
    public async Task Engage_InTheSameGroup_KillsWhatCameAfterIt()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun[] runs = await RunsAsync(store, 2);
        Task<AppendResult>[] answers = await WhileCommitting(store, () =>
        {
            Task<AppendResult> before = runs[0].AppendAsync(runs[0].Batch() with { StartsEffect = true });
            _ = store.EngageAsync(new KillSwitch("global", "olga", null, TimeProvider.System.GetUtcNow()), Token).AsTask();
            return [before, runs[1].AppendAsync(runs[1].Batch() with { StartsEffect = true })];
        });
        Assert.IsType<AppendResult.Committed>(await answers[0]);
        Assert.IsType<AppendResult.Killed>(await answers[1]);
    }

    [Theory]
    [InlineData("before commit", 1)]
    [InlineData("after commit", 2)]
    public async Task Commit_IoError_FailsTheGroupAndReopens(string point, int length)
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        FailOnce(store, point);

        StoreException error = await Assert.ThrowsAsync<StoreException>(() => run.AppendAsync(run.Batch()));

        Assert.Equal(StoreFailure.Io, error.Failure);
        List<JournalEntry> there = await TestRun.ReadAsync(store, run.Id);
        Assert.Equal(length, there.Count);
        run.Head = there[^1];
        await run.AppendAsync();
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task Commit_DiskFullOnce_RunsTheGroupAgainOneByOne()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun[] runs = await RunsAsync(store, 5);
        bool failed = false;
        Task<AppendResult>[] answers = await WhileCommitting(
            store,
            () => [.. runs.Select(run => run.AppendAsync(run.Batch()))],
            () =>
            {
                if (!failed)
                {
                    failed = true;
                    throw new SqliteFailure(_folder.Database, 13, "database or disk is full");
                }
            });
        Assert.All(await Task.WhenAll(answers), answer => Assert.IsType<AppendResult.Committed>(answer));
        Assert.True(failed);
    }

    [Fact]
    public async Task Append_CancelledInTheQueue_IsNeverBegun()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        using CancellationTokenSource cancel = new();
        await WhileCommitting(
            store,
            () =>
            {
                Task<AppendResult> append = store.AppendAsync(run.Batch(), cancel.Token).AsTask();
                cancel.Cancel();
                return [append];
            },
            throws: false);
        Assert.Single(await TestRun.ReadAsync(store, run.Id));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<TestRun[]> RunsAsync(SqliteStewardStore store, int count)
    {
        TestRun[] runs = new TestRun[count];
        for (int i = 0; i < count; i++)
            runs[i] = await TestRun.ClaimedAsync(store);
        return runs;
    }

    /// <summary>Holds the writer inside a commit while more is queued; then lets it go.</summary>
    private static async Task<Task<AppendResult>[]> WhileCommitting(SqliteStewardStore store, Func<Task<AppendResult>[]> queue, Action? next = null, bool throws = true)
    {
        using ManualResetEventSlim inside = new();
        using ManualResetEventSlim go = new();
        store.File.Failpoint = point =>
        {
            if (point != "before commit")
                return;
            if (go.IsSet)
            {
                next?.Invoke();
                return;
            }

            inside.Set();
            go.Wait();
        };
        // On a thread of its own: a lone caller writes its own commit.
        Task<StartResult> held = Task.Run(() => store.StartAsync(TestRun.Start(), Token).AsTask(), Token);
        inside.Wait(Token);
        Task<AppendResult>[] answers = queue();
        go.Set();
        await held;
        Task all = Task.WhenAll(answers);
        await (throws ? all : all.ContinueWith(_ => { }, TaskScheduler.Default));
        store.File.Failpoint = null;
        return answers;
    }

    private void FailOnce(SqliteStewardStore store, string at) => store.File.Failpoint = point =>
    {
        if (point != at)
            return;
        store.File.Failpoint = null;
        throw new SqliteFailure(_folder.Database, IoErrorFsync, "disk I/O error");
    };
}
