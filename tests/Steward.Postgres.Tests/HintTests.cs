using System.Threading.Channels;
using Npgsql;
using Steward.Client;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Postgres.Tests;

/// <summary>What nodes hear of each other. The models are scripted.</summary>
public sealed class HintTests : IAsyncDisposable
{
    private static readonly TimeSpan s_never = TimeSpan.FromMinutes(5);
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Commit_OnOneNode_IsHeardOnTheOthersAndNotAtHome()
    {
        await using PostgresStewardStore here = await _schema.OpenAsync();
        await using PostgresStewardStore there = await _schema.OpenAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        ChannelReader<RunId?> heard = Listen(there, stop.Token), own = Listen(here, stop.Token);
        Assert.Null(await heard.ReadAsync(Token)); // Listening: anything may have been missed before.
        Assert.Null(await own.ReadAsync(Token));

        TestRun run = await TestRun.ClaimedAsync(here);
        Assert.Equal(run.Id, await heard.ReadAsync(Token));
        await here.SignalAsync(new Signal("s1", run.Id, new NamedSignal("paid", null)), Token);
        Assert.Equal(run.Id, await heard.ReadAsync(Token));
        await run.AppendAsync(run.Batch() with { Status = RunStatus.Awaiting, Release = new RunRelease(null) });
        Assert.Equal(run.Id, await heard.ReadAsync(Token));
        await here.EngageAsync(new KillSwitch("global", "olga", null, DateTimeOffset.UnixEpoch), Token);
        Assert.Null(await heard.ReadAsync(Token));
        Assert.False(own.TryRead(out _));
        await stop.CancelAsync();
    }

    [Fact]
    public async Task Listener_ConnectionIsKilled_ListensAgainAndSaysThatItMissedSomething()
    {
        await using PostgresStewardStore here = await _schema.OpenAsync();
        await using PostgresStewardStore there = await _schema.OpenAsync(o => o with { ConnectionString = o.ConnectionString + ";Application Name=steward-deaf" });
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        ChannelReader<RunId?> heard = Listen(there, stop.Token);
        Assert.Null(await heard.ReadAsync(Token));

        Assert.True(await _schema.ScalarAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE application_name = 'steward-deaf' AND query LIKE 'LISTEN%'") > 0);

        Assert.Null(await heard.ReadAsync(Token));
        RunStart start = TestRun.Start();
        await here.StartAsync(start, Token);
        Assert.Equal(start.Run, await heard.ReadAsync(Token));
        await stop.CancelAsync();
    }

    [Fact]
    public async Task Node_ThatHardlyEverPolls_WorksAtOnceOnWhatAnotherNodeStarts()
    {
        await using PostgresStewardStore here = await _schema.OpenAsync();
        await using PostgresStewardStore there = await _schema.OpenAsync();
        await using var caller = new Harness(here, Script(Says("unused")), Harness.Agent().Build(), o => (o.RunWorker, o.PollInterval) = (false, s_never));
        await using var node = new Harness(there, Script(Says("done")), Harness.Agent().Build(), o => o.PollInterval = s_never);
        await node.StartAsync();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Token);
        await Listen(there, stop.Token).ReadAsync(Token); // A listener that is there later than the node's own: so that one is there too.

        RunResult result = await caller.RunAsync("go").WaitAsync(TimeSpan.FromSeconds(60), Token);

        Assert.Equal((RunStatus.Completed, "done"), (result.Status, result.Output));
        await stop.CancelAsync();
    }

    /// <summary>Fault M6: the hint is lost; the poll finds what it was about.</summary>
    [Fact]
    public async Task M6_HintIsLost_PollFindsTheRun()
    {
        await using PostgresStewardStore here = await _schema.OpenAsync(o => o with { Notify = false });
        await using PostgresStewardStore there = await _schema.OpenAsync();
        await using var caller = new Harness(here, Script(Says("unused")), Harness.Agent().Build(), o => o.RunWorker = false);
        await using var node = new Harness(there, Script(Says("done")), Harness.Agent().Build());
        await node.StartAsync();

        RunResult result = await caller.RunAsync("go").WaitAsync(TimeSpan.FromSeconds(60), Token);

        Assert.Equal(RunStatus.Completed, result.Status);
    }

    private static ChannelReader<RunId?> Listen(PostgresStewardStore store, CancellationToken cancellationToken)
    {
        var heard = Channel.CreateUnbounded<RunId?>();
        _ = Task.Run(
            async () =>
            {
                try
                {
                    await foreach (RunId? run in store.HintsAsync(cancellationToken))
                        heard.Writer.TryWrite(run);
                }
                finally
                {
                    heard.Writer.TryComplete();
                }
            },
            CancellationToken.None);
        return heard.Reader;
    }
}
