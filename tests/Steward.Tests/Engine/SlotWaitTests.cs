using System.Text.Json;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>What a run does whose calls find no slot.</summary>
public sealed class SlotWaitTests
{
    private int _made;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task LimitAsync(IStewardStore store, int? calls) => store.SetLimitsAsync(LimitScope.ForTool("send"), new Limits { CallsAtOnce = calls }, Token).AsTask();

    private ToolDefinition Send(ToolEffect effect = ToolEffect.Unsafe) => Harness.Tool("send", _ => $"sent {Interlocked.Increment(ref _made)}", effect);

    [Fact]
    public async Task Run_NoSlotForItsCall_StepsAsideWithoutATraceAndGoesOnLater()
    {
        var lab = new Lab(Script(Calls_(("send", new { })), Says("done")), Harness.Agent(Send()).Build()) { SlotWait = TimeSpan.Zero };
        await LimitAsync(lab.Store, 0);
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Parked, await lab.WorkAsync());
        int entries = (await lab.JournalAsync(run)).Count;
        for (int i = 0; i < 100; i++)
        {
            RunInfo info = Assert.Single(await lab.Store.FindAsync(new RunQuery { Run = run }, Token));
            Assert.Equal((RunStatus.Executing, "tool_limit", null), (info.Status, info.Reason, info.Worker));
            Assert.Null(await lab.WorkAsync());
            lab.Time.Advance(TimeSpan.FromSeconds(1));
            Assert.Equal(RunExit.Parked, await lab.WorkAsync($"w{i}"));
        }

        Assert.Equal(entries, (await lab.JournalAsync(run)).Count);
        Assert.Equal(0, _made);
        await LimitAsync(lab.Store, 1);
        lab.Time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal(1, _made);
        Assert.IsType<RunCompleted>(Invariants.Check(await lab.JournalAsync(run)).Outcome);
    }

    [Fact]
    public async Task Run_SlotsForSomeOfItsCalls_MakesThoseFirst()
    {
        var lab = new Lab(Script(Calls_(("send", new { n = 1 }), ("look", new { }), ("send", new { n = 2 }), ("send", new { n = 3 })), Says("done")), Harness.Agent(Send(), Harness.Tool("look", _ => "seen")).Build());
        await LimitAsync(lab.Store, 2);
        RunId run = await lab.StartAsync();

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        List<JournalEntry> journal = await lab.JournalAsync(run);
        Invariants.Check(journal);
        Assert.Equal([0, 1, 2, 3], journal.Select(e => e.Event).OfType<ToolStarted>().Select(s => s.Index));
        int open = 0;
        foreach (JournalEntry entry in journal)
        {
            open += entry.Event switch { ToolStarted { Name: "send" } => 1, ToolReturned { Index: not 1 } => -1, _ => 0 };
            Assert.InRange(open, 0, 2);
        }

        Assert.Equal(3, _made);
    }

    [Fact]
    public async Task Call_LostAndAwaitingAPerson_HoldsNoSlot()
    {
        var lab = new Lab(Script(Calls_(("send", new { })), Says("done")), Harness.Agent(Send()).Build());
        await LimitAsync(lab.Store, 1);
        RunId lost = await lab.StartAsync();
        await Assert.ThrowsAsync<StoreException>(() => lab.WorkAsync("dying", DyingStore.Of(lab.Store, FaultMoment.After, b => b.Entries.Any(e => e.Event is ToolStarted))));
        Assert.Equal(1, Assert.Single(await lab.Store.LimitsAsync(Token)).Used.Calls);
        lab.Time.Advance(Lab.LeaseDuration);
        Assert.Equal(0, Assert.Single(await lab.Store.LimitsAsync(Token)).Used.Calls);
        await lab.WorkAllAsync();
        Assert.Equal((RunStatus.Awaiting, "outcome_unknown"), ((await lab.StateAsync(lost)).Status, (await lab.StateAsync(lost)).Reason));

        RunId other = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(other)).Status);
        await lab.Handle(lost).AnswerAsync("outcome-1.0-1", Answer.DidNotHappen, "ana", cancellationToken: Token);
        await lab.WorkAllAsync();
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(lost)).Status);
        Assert.Equal(2, _made);
        Assert.Equal(0, Assert.Single(await lab.Store.LimitsAsync(Token)).Used.Calls);
    }

    [Fact]
    public async Task Cancel_RunThatWaitsForASlot_EndsIt()
    {
        var store = new InMemoryStewardStore(TimeProvider.System);
        await LimitAsync(store, 0);
        await using Harness harness = Waiting(store);
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await UntilWaitsAsync(harness, run);

        await run.CancelAsync("ana", cancellationToken: Token);

        Assert.Equal((RunStatus.Cancelled, 0), ((await run.WaitAsync(Token)).Status, _made));
    }

    [Fact]
    public async Task Cancel_CallThatWaitsForItsTurnAmongParallelOnes_EndsThatWaitAtOnce()
    {
        TaskCompletionSource begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
        TaskCompletionSource released = new(TaskCreationOptions.RunContinuationsAsynchronously);
        ToolDefinition stubborn = new("stubborn", "Does not hear a cancel.", JsonElement.Parse("""{"type":"object"}"""), async (_, _, _) =>
        {
            Interlocked.Increment(ref _made);
            begun.TrySetResult();
            await released.Task;
            return new ToolOutput("late");
        }) { Overlaps = true };
        await using Harness harness = new(
            new InMemoryStewardStore(TimeProvider.System),
            Script(Calls_(("stubborn", new { n = 1 }), ("stubborn", new { n = 2 })), Says("done")),
            Harness.Agent(stubborn).WithLimits(new AgentLimits { ParallelTools = 1 }).Build(),
            o => o.CancelGrace = TimeSpan.FromMinutes(10));
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        try
        {
            await begun.Task.WaitAsync(Token);
            await run.CancelAsync("ana", cancellationToken: Token);

            ToolFailed waited = await FirstFailureAsync(run); // The call before it has not come back yet.
            Assert.Equal((1, ToolFailure.Cancelled), (waited.Index, waited.Failure));
        }
        finally
        {
            released.SetResult();
        }

        Assert.Equal((RunStatus.Cancelled, 1), ((await run.WaitAsync(Token)).Status, _made));
    }

    [Fact]
    public async Task Worker_StoppedWhileItsRunWaitsForASlot_GivesItBack()
    {
        var store = new InMemoryStewardStore(TimeProvider.System);
        await LimitAsync(store, 0);
        await using Harness harness = Waiting(store);
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), Token);
        await UntilWaitsAsync(harness, run);

        await harness.StopAsync();

        RunInfo info = (await run.GetInfoAsync(Token))!;
        Assert.Equal((null, RunStatus.Executing), (info.Worker, info.Status));
        await LimitAsync(store, null);
        await using var next = new Harness(store, Model(), Harness.Agent(Send()).Build());
        await next.StartAsync();
        Assert.Equal(RunStatus.Completed, (await run.WaitAsync(Token)).Status);
    }

    private static FunctionModel Model() => Script(Calls_(("send", new { })), Says("done"));

    private Harness Waiting(IStewardStore store) => new(store, Model(), Harness.Agent(Send()).Build(), o => o.SlotWait = TimeSpan.FromMinutes(10));

    private static async Task<ToolFailed> FirstFailureAsync(RunHandle run)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(Token);
        patience.CancelAfter(TimeSpan.FromMinutes(1));
        await foreach (JournalEntry entry in run.FollowAsync(0, patience.Token))
        {
            if (entry.Event is ToolFailed failed)
                return failed;
        }

        throw new InvalidOperationException("No call failed.");
    }

    /// <summary>The model's answer is durable with the first commit after it, which waits for the slot; so the model is looked at.</summary>
    private static async Task UntilWaitsAsync(Harness harness, RunHandle run)
    {
        for (int i = 0; i < 6_000; i++)
        {
            if ((await harness.EventsAsync(run.Id)).Any(e => e is ModelStarted))
                return;
            await Task.Delay(10, Token);
        }

        Assert.Fail("The run did not come to its call.");
    }
}
