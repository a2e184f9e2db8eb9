using System.Text.Json;
using Steward.Client;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;

namespace Steward.Postgres.Tests;

/// <summary>Of which runs something may be missing after a failover. The other timeline is pretended; <see cref="FailoverTests"/> makes a real one.</summary>
public sealed class TimelineTests : IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Theory]
    [InlineData(false, 2)]
    [InlineData(true, 0)]
    public async Task NewTimeline_FirstClaim_DoubtsWhatWasHeldOrDue(bool lossless, int doubted)
    {
        TestRun held, parked, later, ended;
        RunStart due = TestRun.Start();
        await using (PostgresStewardStore before = await _schema.OpenAsync())
        {
            held = await TestRun.ClaimedAsync(before);
            parked = await TestRun.ClaimedAsync(before);
            later = await TestRun.ClaimedAsync(before);
            ended = await TestRun.ClaimedAsync(before);
            await parked.AppendAsync(parked.Batch() with { Status = RunStatus.Awaiting, Release = new RunRelease(null) });
            await later.AppendAsync(later.Batch() with { Status = RunStatus.Awaiting, Release = new RunRelease(TimeProvider.System.GetUtcNow() + TimeSpan.FromDays(1)) });
            await ended.EndAsync();
            await before.StartAsync(due, Token);
        }

        await _schema.ExecuteAsync("UPDATE steward.timeline SET timeline = 0; UPDATE steward.node SET expires_at = clock_timestamp(); UPDATE steward.run SET claimable_at = clock_timestamp() WHERE worker IS NOT NULL");
        await using PostgresStewardStore after = await _schema.OpenAsync(o => o with { LosslessFailover = lossless });
        IReadOnlyList<Claim> claims = await after.ClaimAsync(new ClaimRequest { Worker = "heir", Duration = TimeSpan.FromMinutes(5), Max = 10 }, Token);

        Assert.Equal(2, claims.Count);
        Assert.Equal(doubted, claims.Count(c => c.IsDoubted));
        Assert.Equal(doubted, (int)await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE doubted"));
        if (doubted > 0)
            Assert.Equal(new HashSet<RunId> { held.Id, due.Run }, [.. claims.Where(c => c.IsDoubted).Select(c => c.Lease.Run)]);
    }

    [Fact]
    public async Task Doubt_OfARunWhoseHolderGoesOn_EndsWithItsNextAppend()
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        await run.AppendAsync();
        await _schema.ExecuteAsync("UPDATE steward.timeline SET timeline = 0");
        await TestRun.ClaimedAsync(store);
        Assert.Equal(1L, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE doubted AND head = 2"));

        await run.AppendAsync();

        Assert.Equal(0L, await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE doubted AND head = 3"));
    }

    [Theory]
    [InlineData(ToolEffect.Unsafe, true)]
    [InlineData(ToolEffect.Idempotent, false)]
    public async Task DoubtedRun_AsksOnlyWhereSomethingIsNotSafeToRepeat(ToolEffect effect, bool asks)
    {
        await using PostgresStewardStore store = await _schema.OpenAsync();
        ToolDefinition tool = new("note", "Notes.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => ValueTask.FromResult(new ToolOutput("noted"))) { Effect = effect };
        await using var node = new Harness(store, new FunctionModel((_, _) => FunctionModel.Says("done")), Harness.Agent(tool).Build());
        RunHandle run = await node.Client.StartAsync("tester", new RunRequest("go"), Token);
        await _schema.ExecuteAsync("UPDATE steward.timeline SET timeline = 0");
        await node.StartAsync();

        RunResult result = await run.WaitUntilSettledAsync(Token);

        Assert.Equal(asks ? RunStatus.Awaiting : RunStatus.Completed, result.Status);
        Assert.Equal(asks ? 1 : 0, (await run.GetQuestionsAsync(Token)).Count(q => q.Kind == QuestionKind.Quarantine && q.Text.Contains("failed over", StringComparison.Ordinal)));
        if (asks)
            Assert.Equal(DecisionStatus.Accepted, (await run.AnswerAsync((await run.GetQuestionsAsync(Token))[0].Id, Answer.Continue, "olga", cancellationToken: Token)).Status);
        Assert.Equal(RunStatus.Completed, (await run.WaitAsync(Token)).Status);
    }
}
