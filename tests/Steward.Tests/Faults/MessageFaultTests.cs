using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using static Steward.Tests.Faults.FaultCase;

namespace Steward.Tests.Faults;

/// <summary>M1 to M7 of the fault list: people and messages.</summary>
public sealed class MessageFaultTests
{
    [Fact]
    public async Task M1_ApprovedTwice_RunsOnce()
    {
        (FaultCase fault, RunId run) = await AskedAsync();
        Assert.Equal(DecisionStatus.Accepted, (await fault.DecideAsync(run, Answer.Approve)).Status);
        Assert.Equal(DecisionStatus.Duplicate, (await fault.DecideAsync(run, Answer.Approve)).Status);
        Assert.Equal(DecisionStatus.AlreadyDecided, (await fault.DecideAsync(run, Answer.Approve, "d2")).Status);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Fact]
    public async Task M2_TwoPeopleOppositeAnswers_TheFirstWinsAndTheOtherIsTold()
    {
        (FaultCase fault, RunId run) = await AskedAsync();
        Assert.Equal(DecisionStatus.Accepted, (await fault.DecideAsync(run, Answer.Deny, "d1", "ana")).Status);
        DecisionResult late = await fault.DecideAsync(run, Answer.Approve, "d2", "ben");
        Assert.Equal((DecisionStatus.AlreadyDecided, "ana"), (late.Status, late.Question!.Votes[^1].By));
        await fault.FinishAsync();
        Assert.Empty(fault.Ledger);
    }

    [Fact]
    public async Task M3_ApprovedBeforeTheRunHasParked_IsNotLost()
    {
        var fault = new FaultCase(approval: true);
        RunId run = await fault.Lab.StartAsync();
        // The worker dies after the question was committed and before anything else: it is decided while nobody waits for it.
        await fault.DieAsync(FaultMoment.After, Holds<QuestionAsked>);
        Assert.Equal(DecisionStatus.Accepted, (await fault.DecideAsync(run, Answer.Approve)).Status);
        await fault.FinishAsync();
        await fault.AssertSentOnceAsync(run);
    }

    [Fact]
    public async Task M4_ApprovedAfterTheCancel_ChangesNothing()
    {
        (FaultCase fault, RunId run) = await AskedAsync();
        await fault.Lab.Store.SignalAsync(new Signal("c", run, new CancelSignal("ana", null)), Token);
        await fault.FinishAsync();
        Assert.Equal(DecisionStatus.Withdrawn, (await fault.DecideAsync(run, Answer.Approve)).Status);
        Assert.Empty(fault.Ledger);
        Assert.Equal(RunStatus.Cancelled, (await fault.CheckAsync(run)).Status);
    }

    [Fact]
    public async Task M5_ApprovedForOtherArguments_IsRefused()
    {
        (FaultCase fault, RunId run) = await AskedAsync();
        Assert.Equal(DecisionStatus.Changed, (await fault.DecideAsync(run, Answer.Approve, binding: new string('0', 64))).Status);
        await fault.FinishAsync();
        Assert.Empty(fault.Ledger);
    }

    [Fact]
    public async Task M6_NobodyIsNotified_ThePollFindsIt()
    {
        var fault = new FaultCase(approval: true);
        await using var harness = new Harness(fault.Lab.Store, fault.Lab.Model, fault.Lab.Agent, time: TimeProvider.System);
        RunResult asked = await harness.RunAsync("go");
        // Straight into the store: no hub of any process hears of it.
        await fault.Lab.Store.DecideAsync(new Decision { Id = "d", Run = asked.Run, Question = asked.Questions[0].Id, Answer = Answer.Approve, By = "ana" }, Token);
        RunResult result = await harness.Client.Get(asked.Run).WaitAsync(Token);
        Assert.Equal(RunStatus.Completed, result.Status);
    }

    [Fact]
    public async Task M7_CancelRacingARunningEffect_TheEffectIsRecordedAndTheRunEnds()
    {
        FaultCase fault = null!;
        RunId run = default;
        fault = new FaultCase(body: async (_, _) => await fault.Lab.Store.SignalAsync(new Signal("c", run, new CancelSignal("ana", null)), Token));
        run = await fault.Lab.StartAsync();
        await fault.FinishAsync();
        RunState state = await fault.CheckAsync(run);
        Assert.Equal(RunStatus.Cancelled, state.Status);
        Assert.Single(fault.Ledger);
        Assert.Contains((await fault.Lab.JournalAsync(run)).Select(e => e.Event), e => e is ToolReturned);
    }

    private static async Task<(FaultCase Fault, RunId Run)> AskedAsync()
    {
        var fault = new FaultCase(approval: true);
        RunId run = await fault.Lab.StartAsync();
        await fault.FinishAsync();
        return (fault, run);
    }
}
