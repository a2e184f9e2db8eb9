using System.Collections.Concurrent;
using System.Diagnostics;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;

namespace Steward.Postgres.Tests;

/// <summary>Several nodes on one database: each has a store of its own.</summary>
public sealed class NodesTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Runs = 64;
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Nodes_OpenedAtOnce_AgreeOnOneSchema()
    {
        PostgresStewardStore[] stores = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => Task.Run(() => _schema.OpenAsync())));
        foreach (PostgresStewardStore store in stores)
        {
            await TestRun.ClaimedAsync(store);
            await store.DisposeAsync();
        }

        Assert.Equal(Schema.Migrations.Count, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.schema_version"));
    }

    [Fact]
    public async Task Nodes_RaceForClaims_EachRunIsClaimedOnce()
    {
        const int Count = 200;
        await using PostgresStewardStore one = await _schema.OpenAsync();
        await using PostgresStewardStore two = await _schema.OpenAsync();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(_ => one.StartAsync(TestRun.Start(), Token).AsTask()));

        ConcurrentBag<Claim> claims = [];
        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            ClaimRequest request = new() { Worker = $"w{i}", Duration = TimeSpan.FromMinutes(5) };
            int empty = 0;
            while (empty < 3)
            {
                if (await (i % 2 == 0 ? one : two).ClaimOneAsync(request, Token) is { } claim)
                    claims.Add(claim);
                else
                    empty++;
            }
        })));

        Assert.Equal(Count, claims.Select(c => c.Lease.Run).Distinct().Count());
        Assert.Equal(Count, claims.Count);
        Assert.All(claims, c => Assert.Equal((1L, 1), (c.Lease.Epoch, c.Attempt)));
    }

    [Fact]
    public async Task Due_OfSeveralTenants_IsWhatAClaimThenTakesInItsOrder()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        foreach (string tenant in (string[])["big", "big", "big", "small", "other"])
            await store.StartAsync(TestRun.Start(tenant: tenant), Token);
        ClaimRequest request = new() { Worker = "w", Duration = TimeSpan.FromMinutes(5), Max = 4 };

        IReadOnlyList<RunId> due = await store.DueAsync(request, Token);
        IReadOnlyList<RunId> again = await store.DueAsync(request, Token);
        IReadOnlyList<Claim> claims = await store.ClaimAsync(request, Token);

        Assert.Equal(4, due.Count);
        Assert.Equal(due, again);
        Assert.Equal(due, claims.Select(c => c.Lease.Run));
        Assert.All(claims, c => Assert.Equal(1, c.Lease.Epoch));
        Assert.DoesNotContain(await store.DueAsync(request, Token), due.Contains);
    }

    [Fact]
    public async Task Switch_EngagedOnOneNode_NothingStartsOnAnyOtherAfterIt()
    {
        PostgresStewardStore[] nodes = [await _schema.OpenAsync(), await _schema.OpenAsync()];
        await using PostgresStewardStore third = await _schema.OpenAsync();
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => TestRun.ClaimedAsync(nodes[i % 2], $"w{i % 2}")));
        int before = 0;
        var busy = new TaskCompletionSource();
        Task<long>[] loops = [.. runs.Select(run => Task.Run(async () =>
        {
            while (true)
            {
                AppendResult result = await run.AppendAsync(run.Batch() with { StartsEffect = true });
                if (result is AppendResult.Killed)
                    return run.Head.Sequence;
                if (Interlocked.Increment(ref before) == 2 * Runs)
                    busy.TrySetResult();
            }
        }))];
        await busy.Task.WaitAsync(TimeSpan.FromSeconds(60), Token);

        Assert.True(await third.EngageAsync(new KillSwitch("tenant:acme", "olga", "drill", TimeProvider.System.GetUtcNow()), Token));
        long durable = await EntriesAsync();
        long[] heads = await Task.WhenAll(loops);

        Assert.Equal(durable, heads.Sum());
        Assert.Equal(durable, await EntriesAsync());
        output.WriteLine($"{Runs} runs on 2 nodes: {before} intents before the switch's commit, 0 after it.");
        foreach (PostgresStewardStore node in nodes)
            await node.DisposeAsync();
    }

    [Fact]
    public async Task Ceiling_DrawnOnByTwoNodes_NeverBreaksAndIsUsedUp()
    {
        BudgetAmount step = new(ModelCalls: 1, Usd: 0.013m);
        await using PostgresStewardStore one = await _schema.OpenAsync();
        await using PostgresStewardStore two = await _schema.OpenAsync();
        await one.SetCeilingsAsync(BudgetScope.ForTenant("acme"), new BudgetCeilings { Usd = 2m }, Token);
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => TestRun.ClaimedAsync(
            i % 2 == 0 ? one : two, $"w{i % 2}", TestRun.Start(agent: $"a{i % 3}", session: $"s{i % 5}"))));
        DateOnly today = DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);
        Task<int>[] loops = [.. runs.Select(run => Task.Run(async () =>
        {
            for (int settled = 0; ; settled++)
            {
                AppendResult reserved = await run.AppendAsync(run.Batch() with { StartsEffect = true, Budget = [new(today, default, default, step)] });
                if (reserved is AppendResult.OverBudget)
                    return settled;
                Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch() with { Budget = [new(today, step, step, default)] }));
            }
        }))];

        Task<int[]> all = Task.WhenAll(loops);
        while (!all.IsCompleted)
        {
            BudgetInfo now = Assert.Single(await two.BudgetsAsync("tenant:acme", cancellationToken: Token));
            Assert.True(now.Spent.Usd + now.Reserved.Usd <= 2m, $"{now.Spent.Usd} spent + {now.Reserved.Usd} reserved");
            await Task.WhenAny(all, Task.Delay(5, Token));
        }

        int steps = (await all).Sum();
        BudgetInfo end = Assert.Single(await one.BudgetsAsync("tenant:acme", cancellationToken: Token));
        Assert.Equal((steps * 0.013m, 0m), (end.Spent.Usd, end.Reserved.Usd));
        Assert.Equal(153, steps);
        Assert.Equal(end.Spent, Assert.Single(await one.BudgetsAsync("global", cancellationToken: Token)).Spent);
    }

    [Fact]
    public async Task Append_ManyRunsAtOnce_SharesCommits()
    {
        const int Appends = 20;
        await using PostgresStewardStore store = await _schema.OpenAsync();
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, 128).Select(_ => TestRun.ClaimedAsync(store)));
        long before = await CommitsAsync();
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(runs.Select(run => Task.Run(async () =>
        {
            for (int i = 0; i < Appends; i++)
                await run.AppendAsync();
        })));
        TimeSpan took = Stopwatch.GetElapsedTime(started);
        long commits = await CommitsAsync() - before;

        foreach (TestRun run in runs)
            Assert.Equal(run.Acknowledged.Select(e => e.Sequence), (await TestRun.ReadAsync(store, run.Id)).Select(e => e.Sequence));
        Assert.True(commits < runs.Length * Appends / 4, $"{commits} transactions.");
        output.WriteLine($"128 runs x {Appends} appends: {runs.Length * Appends / took.TotalSeconds:0} appends/s in {commits} transactions.");
    }

    [Fact]
    public async Task Append_OneOfAGroupIsBad_TheOthersCommit()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { Writers = 1 });
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => TestRun.ClaimedAsync(store)));
        JournalEntry taken = TestRun.Start("other").Entry;
        await store.StartAsync(new RunStart { Run = taken.Run, Entry = taken }, Token);
        RunStart sameId = new() { Run = taken.Run, Entry = JournalEntry.Create(taken.Run, 1, JournalEntry.Origin, (RunStarted)taken.Event with { Tenant = "acme" }, taken.Time) };
        Task[] appends = [.. runs.Select((run, i) => Task.Run(() => (i % 8) switch
        {
            1 => Assert.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch() with { Starts = [sameId] })),
            2 => Assert.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch() with { Consumes = ["nothing"] })),
            3 => run.AppendAsync(run.Batch() with { Lease = run.Lease with { Epoch = 9 } }),
            4 => Assert.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch() with { Reason = "a\0b" })),
            _ => run.AppendAsync(),
        }))];

        await Task.WhenAll(appends);

        for (int i = 0; i < runs.Length; i++)
            Assert.Equal(i % 8 is 1 or 2 or 3 or 4 ? 1 : 2, (await TestRun.ReadAsync(store, runs[i].Id)).Count);
    }

    private Task<long> EntriesAsync() => _schema.ScalarAsync<long>("SELECT count(*) FROM steward.event");

    /// <summary>Transactions that wrote: each has a number.</summary>
    private Task<long> CommitsAsync() => _schema.ScalarAsync<long>("SELECT pg_current_xact_id()::text::bigint");
}
