using System.Diagnostics.Metrics;
using System.Text.Json;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>Handlers that block their thread: timeouts, cancels and other runs do not depend on them.</summary>
public sealed class HandlerTests : IDisposable
{
    private readonly ManualResetEventSlim _release = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _release.Set();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Cancel_HandlerThatBlocks_EndsTheRunWithinTheGraceTime(bool afterAnAwait)
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using Harness harness = Run(Blocking("block", begun, afterAnAwait));
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await begun.Task.WaitAsync(Token);

        await run.CancelAsync("ana", cancellationToken: Token);
        RunResult result = await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token);

        Assert.Equal(RunStatus.Cancelled, result.Status);
    }

    [Fact]
    public async Task Timeout_HandlerThatBlocks_IsAFailedCallAndTheRunGoesOn()
    {
        ToolDefinition tool = new("block", "Blocks.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) =>
        {
            _release.Wait(CancellationToken.None);
            return new ValueTask<ToolOutput>(new ToolOutput("late"));
        })
        { Effect = ToolEffect.ReadOnly, Timeout = TimeSpan.FromMilliseconds(100) };
        await using Harness harness = Run(tool);

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.Contains(await harness.EventsAsync(result.Run), e => e is ToolFailed { Failure: ToolFailure.Timeout });
    }

    [Fact]
    public async Task Cancel_CallbackOfTheHandlerThatBlocks_HoldsNobodyUp()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ToolDefinition tool = new("block", "Blocks when it is told to stop.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, cancelled) =>
        {
            cancelled.Register(() => _release.Wait(CancellationToken.None));
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, CancellationToken.None);
            return new ToolOutput("never");
        })
        { Effect = ToolEffect.ReadOnly };
        await using Harness harness = Run(tool);
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await begun.Task.WaitAsync(Token);

        await run.CancelAsync("ana", cancellationToken: Token);

        Assert.Equal(RunStatus.Cancelled, (await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token)).Status);
    }

    [Fact]
    public async Task Cancel_ProbeThatBlocks_EndsTheRunWithinTheGraceTime()
    {
        var begun = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        ToolDefinition tool = new("block", "Breaks, and its probe blocks.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) =>
            throw new InvalidOperationException("broke"))
        {
            Probe = (_, _, _) =>
            {
                begun.TrySetResult();
                _release.Wait(CancellationToken.None);
                return new(ProbeResult.DidNotHappen);
            },
        };
        await using Harness harness = Run(tool);
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await begun.Task.WaitAsync(Token);

        await run.CancelAsync("ana", cancellationToken: Token);

        Assert.Equal(RunStatus.Cancelled, (await run.WaitAsync(Token).WaitAsync(TimeSpan.FromSeconds(10), Token)).Status);
    }

    [Fact]
    public async Task Abandoned_AsManyAsAllowed_TheToolIsNotCalledAndAnotherIs()
    {
        int calls = 0, others = 0;
        ToolDefinition block = new("block", "Blocks.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) =>
        {
            Interlocked.Increment(ref calls);
            _release.Wait(CancellationToken.None);
            return new ValueTask<ToolOutput>(new ToolOutput("late"));
        })
        { Effect = ToolEffect.ReadOnly, Timeout = TimeSpan.FromMilliseconds(50) };
        ToolDefinition other = Harness.Tool("other", _ => $"{++others}");
        await using Harness harness = new(
            new InMemoryStewardStore(TimeProvider.System),
            Script([.. Enumerable.Range(0, 4).Select(n => Calls_(("block", new { n }), ("other", new { n }))), Says("done")]),
            Harness.Agent(block, other).Build(),
            o => (o.MaxAbandonedCalls, o.CancelGrace) = (2, TimeSpan.FromMilliseconds(20)));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, 2, 4), (result.Status, calls, others));
        ToolFailed[] refused = [.. (await harness.EventsAsync(result.Run)).OfType<ToolFailed>().Where(e => e.Failure == ToolFailure.Reported)];
        Assert.Equal(2, refused.Length);
        Assert.All(refused, e => Assert.Contains("was not called: 2 earlier calls", e.Message, StringComparison.Ordinal));
        Assert.All(refused, e => Assert.Equal(BudgetAmount.Zero, e.Settled));
    }

    [Fact]
    public async Task Abandoned_Call_IsCountedUntilItComesBack()
    {
        var handlers = new Handlers(8);
        using var meter = new Steward.Diagnostics.StewardMeter(null, handlers);
        using var listener = new MeterListener();
        int seen = -1;
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Name == "steward.tool.abandoned")
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<int>((_, value, _, _) => seen = Math.Max(seen, value));
        listener.Start();
        Task<int> work = handlers.StartAsync(() =>
        {
            _release.Wait(CancellationToken.None);
            return new ValueTask<int>(1);
        });

        Assert.Equal(1, handlers.Abandon(Tools.ToolContexts.Context(), work));
        listener.RecordObservableInstruments();
        Assert.Equal(1, seen);
        _release.Set();
        await work;
        Assert.True(SpinWait.SpinUntil(() => handlers.Abandoned == 0, TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task Handler_AndWhatItGoesOnWith_RunsOffThePool()
    {
        List<bool> pooled = [];
        ToolDefinition tool = new("where", "Says where it runs.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, _) =>
        {
            pooled.Add(Thread.CurrentThread.IsThreadPoolThread);
            await Task.Yield();
            pooled.Add(Thread.CurrentThread.IsThreadPoolThread);
            await Task.Delay(1, CancellationToken.None);
            pooled.Add(Thread.CurrentThread.IsThreadPoolThread);
            return new ToolOutput("here");
        })
        { Effect = ToolEffect.ReadOnly };
        await using Harness harness = Run(tool, "where");

        await harness.RunAsync("go");

        Assert.Equal([false, false, false], pooled);
    }

    private static Harness Run(ToolDefinition tool, string name = "block") => new(
        new InMemoryStewardStore(TimeProvider.System), Script(Calls_((name, new { })), Says("done")), Harness.Agent(tool).Build());

    private ToolDefinition Blocking(string name, TaskCompletionSource begun, bool afterAnAwait) =>
        new(name, "Blocks.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, _) =>
        {
            if (afterAnAwait)
                await Task.Yield();
            begun.TrySetResult();
            _release.Wait(CancellationToken.None);
            return new ToolOutput("late");
        })
        { Effect = ToolEffect.ReadOnly };
}
