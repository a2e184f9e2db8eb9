using System.Collections.Concurrent;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;

namespace Steward.Postgres.Tests;

/// <summary>Limits that hold over nodes: two stores race, a third one looks.</summary>
public sealed class LimitTests(ITestOutputHelper output) : IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Calls_TwoNodesRaceForSlots_NeverMoreThanTheLimitAtAnyLook()
    {
        const int Limit = 4, Runs = 32, Calls = 8;
        await using PostgresStewardStore one = await _schema.OpenAsync(), two = await _schema.OpenAsync(), third = await _schema.OpenAsync();
        await third.SetLimitsAsync(LimitScope.ForTool("fetch"), new Limits { CallsAtOnce = Limit }, Token);
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => TestRun.ClaimedAsync(i % 2 == 0 ? one : two, $"w{i % 2}")));
        int inside = 0, most = 0, throttled = 0;
        Task all = Task.WhenAll(runs.Select(run => Task.Run(async () =>
        {
            for (int turn = 1; turn <= Calls; turn++)
            {
                while (await run.AppendAsync(Of(run, Started(turn)) with { StartsEffect = true }) is not AppendResult.Committed)
                    Interlocked.Increment(ref throttled);
                int now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);
                await Task.Yield();
                Interlocked.Decrement(ref inside);
                Assert.IsType<AppendResult.Committed>(await run.AppendAsync(Of(run, new ToolReturned { Turn = turn, Index = 0, Result = "ok", Settled = BudgetAmount.Zero })));
            }
        })));
        int looks = 0, seen = 0;
        while (!all.IsCompleted)
        {
            int used = Assert.Single(await third.LimitsAsync(Token)).Used.Calls;
            Assert.InRange(used, 0, Limit);
            (looks, seen) = (looks + 1, Math.Max(seen, used));
            await Task.WhenAny(all, Task.Delay(5, Token));
        }

        await all;
        Assert.InRange(most, 1, Limit);
        Assert.Equal(0, Assert.Single(await third.LimitsAsync(Token)).Used.Calls);
        Assert.True(throttled > Runs, $"Only {throttled} appends found no slot.");
        output.WriteLine($"{Runs * Calls} calls of {Runs} runs on 2 nodes: at most {most} at once inside and {seen} in {looks} looks, {throttled} appends throttled.");
    }

    [Fact]
    public async Task Runs_TwoNodesRaceForClaims_NeverMoreThanTheLimitsAtAnyLook()
    {
        const int OfTenant = 3, OfAll = 7, Runs = 90;
        await using PostgresStewardStore one = await _schema.OpenAsync(), two = await _schema.OpenAsync(), third = await _schema.OpenAsync();
        await third.SetLimitsAsync(LimitScope.EachTenant, new Limits { RunsAtOnce = OfTenant }, Token);
        await third.SetLimitsAsync(LimitScope.Global, new Limits { RunsAtOnce = OfAll }, Token);
        for (int tenant = 0; tenant < 3; tenant++) // Only to have each tenant's count listed.
            await third.SetLimitsAsync(LimitScope.ForTenant($"t{tenant}"), new Limits { Queue = Runs }, Token);
        Dictionary<RunId, RunStart> starts = Enumerable.Range(0, Runs).Select(i => TestRun.Start($"t{i % 3}")).ToDictionary(s => s.Run);
        await Task.WhenAll(starts.Values.Select(start => one.StartAsync(start, Token).AsTask()));
        ConcurrentDictionary<RunId, int> ended = new();
        Task all = Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(async () =>
        {
            PostgresStewardStore store = i % 2 == 0 ? one : two;
            while (ended.Count < Runs)
            {
                foreach (Claim claim in await store.ClaimAsync(new ClaimRequest { Worker = $"w{i}", Duration = TimeSpan.FromMinutes(5), Max = 2 }, Token))
                {
                    JournalEntry last = JournalEntry.Create(claim.Lease.Run, 2, starts[claim.Lease.Run].Entry.Hash, new RunCompleted("done", []), TimeProvider.System.GetUtcNow());
                    var end = new RunBatch { Lease = claim.Lease, ExpectedSequence = 1, Entries = [last], Status = RunStatus.Completed, Reason = "completed" };
                    Assert.IsType<AppendResult.Committed>(await store.AppendAsync(end, Token));
                    Assert.True(ended.TryAdd(claim.Lease.Run, i));
                }
            }
        })));
        int looks = 0, seen = 0;
        while (!all.IsCompleted)
        {
            foreach (LimitInfo limit in (await third.LimitsAsync(Token)).Where(l => !l.Scope.IsDefault))
            {
                Assert.InRange(limit.Used.Runs, 0, limit.Scope == LimitScope.Global ? OfAll : OfTenant);
                seen = Math.Max(seen, limit.Used.Runs);
            }

            looks++;
            await Task.WhenAny(all, Task.Delay(5, Token));
        }

        await all;
        Assert.Equal(Runs, ended.Count);
        output.WriteLine($"{Runs} runs of 3 tenants claimed by 8 workers on 2 nodes: at most {seen} held in {looks} looks (limits {OfTenant} and {OfAll}).");
    }

    [Fact]
    public async Task Queue_TwoNodesStartAtOnce_TakesAsManyAsFit()
    {
        const int OfTenant = 10, OfAll = 25;
        await using PostgresStewardStore one = await _schema.OpenAsync(), two = await _schema.OpenAsync();
        await one.SetLimitsAsync(LimitScope.EachTenant, new Limits { Queue = OfTenant }, Token);
        await one.SetLimitsAsync(LimitScope.Global, new Limits { Queue = OfAll }, Token);

        StartResult[] results = await Task.WhenAll(Enumerable.Range(0, 120).Select(i => Task.Run(() => (i % 2 == 0 ? one : two).StartAsync(TestRun.Start($"t{i % 4}"), Token).AsTask())));

        Assert.Equal(OfAll, results.Count(r => r.Created));
        Assert.All(results, r => Assert.Equal(r.Created, r.Full is null));
        Assert.Equal(OfAll, (await two.LimitsAsync(Token))[0].Used.Queue);
        Assert.InRange(await _schema.ScalarAsync<long>("SELECT max(n) FROM (SELECT count(*) AS n FROM steward.run GROUP BY tenant) AS t"), 1, OfTenant);
    }

    [Fact]
    public async Task Calls_OneGroupOfManyRuns_FillsTheSlotsExactly()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { Writers = 1 });
        await store.SetLimitsAsync(LimitScope.ForTool("fetch"), new Limits { CallsAtOnce = 5 }, Token);
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, 32).Select(_ => TestRun.ClaimedAsync(store)));

        AppendResult[] first = await Task.WhenAll(runs.Select(run => Task.Run(() => run.AppendAsync(Of(run, Started(1)) with { StartsEffect = true }))));

        Assert.Equal((5, 27), (first.Count(r => r is AppendResult.Committed), first.Count(r => r is AppendResult.Throttled)));
    }

    private static RunBatch Of(TestRun run, RunEvent happened) => run.Batch() with
    {
        Entries = [JournalEntry.Create(run.Id, run.Head.Sequence + 1, run.Head.Hash, happened, TimeProvider.System.GetUtcNow())],
    };

    private static ToolStarted Started(int turn) => new()
    {
        Turn = turn,
        Index = 0,
        Name = "fetch",
        Effect = ToolEffect.ReadOnly,
        Key = $"{turn}",
        ArgumentsHash = new string('a', 64),
        Attempt = 1,
        Reserved = BudgetAmount.Zero,
    };

    private static void InterlockedMax(ref int target, int value)
    {
        for (int before = Volatile.Read(ref target); before < value;)
        {
            int found = Interlocked.CompareExchange(ref target, value, before);
            if (found == before)
                return;
            before = found;
        }
    }
}
