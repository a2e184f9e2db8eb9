using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing;
using Steward.Testing.Faults;
using Steward.Tests.Support;

namespace Steward.Tests.Client;

/// <summary>Callers that wait for runs which other processes work on, so that only polling tells them.</summary>
public sealed class WaitingTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Wait_ManyCallersAndAnotherProcess_AskOneQuestionAPoll()
    {
        var time = new ManualTimeProvider();
        var store = new FaultyStore(new InMemoryStewardStore(time)) { Methods = [nameof(IRunStore.FindAsync)] };
        Lab lab = new(new FunctionModel((_, _) => FunctionModel.Says("done")), Harness.Agent().Build(), store, time);
        IStewardClient client = lab.Client();
        RunHandle[] runs = new RunHandle[300];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = client.Get(await lab.StartAsync());
        Task<RunResult>[] settled = [.. runs.Select(run => run.WaitUntilSettledAsync(Token))];
        Task<RunResult>[] ended = [.. runs.Take(10).Select(run => run.WaitAsync(Token))];
        await UntilAsync(() => store.Calls == runs.Length && time.PendingTimers == 1);

        for (int poll = 1; poll <= 3; poll++)
        {
            await PollAsync(time);
            Assert.Equal(runs.Length + poll, store.Calls);
        }

        await lab.WorkAllAsync();
        await UntilAsync(() => time.PendingTimers == 1);
        Task<RunResult[]> all = Task.WhenAll([.. settled, .. ended]);
        int polls = 3;
        await UntilAsync(() => all.IsCompleted, () =>
        {
            polls++;
            time.Advance(TimeSpan.FromSeconds(1));
        });
        RunResult[] results = await all;
        Assert.All(results, result => Assert.Equal((RunStatus.Completed, "done"), (result.Status, result.Output)));
        Assert.InRange(store.Calls, runs.Length + 4, runs.Length + polls);
        await UntilAsync(() => time.PendingTimers == 0, () => time.Advance(TimeSpan.FromSeconds(1)));
    }

    [Fact]
    public async Task Wait_ThePollFails_TheCallerIsToldAndMayWaitAgain()
    {
        var time = new ManualTimeProvider();
        var store = new FaultyStore(new InMemoryStewardStore(time)) { Methods = [nameof(IRunStore.FindAsync)], FailAt = 2 };
        Lab lab = new(new FunctionModel((_, _) => FunctionModel.Says("done")), Harness.Agent().Build(), store, time);
        RunHandle run = lab.Client().Get(await lab.StartAsync());
        Task<RunResult> first = run.WaitUntilSettledAsync(Token);
        await UntilAsync(() => store.Calls == 1 && time.PendingTimers == 1);
        await PollAsync(time);
        await Assert.ThrowsAsync<StoreException>(() => first.WaitAsync(TimeSpan.FromSeconds(20), Token));

        Task<RunResult> second = run.WaitUntilSettledAsync(Token);
        await lab.WorkAllAsync();
        await UntilAsync(() => second.IsCompleted, () => time.Advance(TimeSpan.FromSeconds(1)));
        Assert.Equal(RunStatus.Completed, (await second).Status);
    }

    [Fact]
    public async Task Wait_GivenUp_AsksNoLonger()
    {
        var time = new ManualTimeProvider();
        var store = new FaultyStore(new InMemoryStewardStore(time)) { Methods = [nameof(IRunStore.FindAsync)] };
        Lab lab = new(new FunctionModel((_, _) => FunctionModel.Says("done")), Harness.Agent().Build(), store, time);
        RunHandle run = lab.Client().Get(await lab.StartAsync());
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        Task<RunResult> wait = run.WaitUntilSettledAsync(patience.Token);
        await UntilAsync(() => store.Calls == 1 && time.PendingTimers == 1);
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
        await UntilAsync(() => time.PendingTimers == 0, () => time.Advance(TimeSpan.FromSeconds(1)));
        Assert.Equal(1, store.Calls);
    }

    [Fact]
    public async Task Follow_FromTheLastEntryOfAnEndedRun_Ends()
    {
        var time = new ManualTimeProvider();
        Lab lab = new(new FunctionModel((_, _) => FunctionModel.Says("done")), Harness.Agent().Build(), null, time);
        RunHandle run = lab.Client().Get(await lab.StartAsync());
        await lab.WorkAllAsync();
        long last = (await lab.JournalAsync(run.Id))[^1].Sequence;
        Task<int> followed = Task.Run(async () =>
        {
            int entries = 0;
            await foreach (JournalEntry _ in run.FollowAsync(last, Token))
                entries++;
            return entries;
        });
        await UntilAsync(() => followed.IsCompleted, () => time.Advance(TimeSpan.FromSeconds(1)));
        Assert.Equal(0, await followed);
    }

    /// <summary>Lets one poll happen, and waits until the next one is set.</summary>
    private static async Task PollAsync(ManualTimeProvider time)
    {
        time.Advance(TimeSpan.FromSeconds(1));
        await UntilAsync(() => time.PendingTimers == 1);
    }

    private static async Task UntilAsync(Func<bool> isSo, Action? meanwhile = null)
    {
        for (int i = 0; i < 2_000 && !isSo(); i++)
        {
            meanwhile?.Invoke();
            await Task.Delay(5, Token);
        }

        Assert.True(isSo());
    }
}
