using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>A run whose journal cannot be believed is tried a few times, then put away; its chain is left as it is.</summary>
public sealed class DamagedJournalTests
{
    private const int Tries = 3;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_JournalDamaged_IsPutAwayAfterSomeClaims()
    {
        Lab lab = NewLab();
        RunId run = await lab.StartAsync();
        FaultyStore damaged = Damaged(lab);

        for (int i = 0; i < Tries; i++)
        {
            Assert.Equal(RunExit.Parked, await lab.WorkAsync(store: damaged));
            RunInfo tried = await InfoAsync(lab, run);
            Assert.Equal((RunStatus.Awaiting, DamagedRuns.Reason, "w1"), (tried.Status, tried.Reason, tried.Worker));
            Assert.Null(await lab.WorkAsync(store: damaged));
            lab.Time.Advance(Lab.LeaseDuration);
        }

        Assert.Equal(RunExit.Parked, await lab.WorkAsync(store: damaged));
        lab.Time.Advance(TimeSpan.FromDays(30));
        Assert.Null(await lab.WorkAsync(store: damaged));
        RunInfo info = await InfoAsync(lab, run);
        Assert.Equal((RunStatus.Awaiting, DamagedRuns.Reason, 1L), (info.Status, info.Reason, info.Sequence));
        Assert.Null(info.Worker);
        Assert.Null(info.ClaimableAt);
        Assert.Single(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Run_JournalReadableAgain_GoesOn()
    {
        Lab lab = NewLab();
        RunId run = await lab.StartAsync();
        await lab.WorkAsync(store: Damaged(lab));
        lab.Time.Advance(Lab.LeaseDuration);

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Assert.Equal(RunStatus.Completed, (await InfoAsync(lab, run)).Status);
        Invariants.Check(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Run_PutAwayThenSignalled_GoesOnOnceItsJournalIsMended()
    {
        Lab lab = NewLab();
        RunId run = await lab.StartAsync();
        await PutAwayAsync(lab);
        await lab.Store.SignalAsync(new Signal("s1", run, new MessageSignal([new TextPart("Try again.")])), Token);

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        Invariants.Check(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Run_PutAwayWithUnreadSignal_IsLookedAtOnceAnHour()
    {
        Lab lab = NewLab();
        RunId run = await lab.StartAsync();
        await lab.Store.SignalAsync(new Signal("s1", run, new MessageSignal([new TextPart("Hurry.")])), Token);
        await PutAwayAsync(lab);
        FaultyStore damaged = Damaged(lab);

        for (int i = 0; i < 3; i++)
        {
            lab.Time.Advance(TimeSpan.FromMinutes(59));
            Assert.Null(await lab.WorkAsync(store: damaged));
            lab.Time.Advance(TimeSpan.FromMinutes(1));
            Assert.Equal(RunExit.Parked, await lab.WorkAsync(store: damaged));
        }

        Assert.Equal(DamagedRuns.Reason, (await InfoAsync(lab, run)).Reason);
        Assert.Single(await lab.Store.InboxAsync(run, Token));
        Assert.Single(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Run_EventThatNoFoldTakes_IsPutAwayAndEndsWhenCancelled()
    {
        Lab lab = NewLab();
        RunId run = await PoisonedAsync(lab);
        for (int i = 0; i <= Tries; i++)
        {
            Assert.Equal(RunExit.Parked, await lab.WorkAsync());
            lab.Time.Advance(Lab.LeaseDuration);
        }

        Assert.Null(await lab.WorkAsync());
        Assert.Equal((RunStatus.Awaiting, DamagedRuns.Reason), (await InfoAsync(lab, run) is var waiting ? waiting.Status : default, waiting.Reason));
        JournalException error = await Assert.ThrowsAsync<JournalException>(async () => await lab.StateAsync(run));
        Assert.Equal((run, 2L), (error.Run!.Value, error.Sequence!.Value));

        Assert.Equal(SignalResult.Accepted, await lab.Handle(run).CancelAsync("ann", "poisoned", cancellationToken: Token));
        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        RunInfo info = await InfoAsync(lab, run);
        Assert.Equal((RunStatus.Cancelled, Reasons.Cancelled, BudgetAmount.Zero), (info.Status, info.Reason, info.Reserved));
        Assert.Equal(["run.started", "message.received", "cancel.requested", "state.changed", "run.cancelled"], (await lab.JournalAsync(run)).Select(e => e.Type));
        Assert.Null(await lab.WorkAsync());
    }

    [Fact]
    public async Task Run_DamagedWithMoneyInFlight_CancelledAtOnceLeavesNoReservation()
    {
        Lab lab = NewLab();
        RunId run = await PoisonedAsync(lab, new BudgetChange(DateOnly.FromDateTime(lab.Time.GetUtcNow().UtcDateTime), BudgetAmount.Zero, BudgetAmount.Zero, new BudgetAmount(Usd: 0.5m)));
        await lab.Handle(run).CancelAsync("ann", cancellationToken: Token);

        Assert.Equal(RunExit.Ended, await lab.WorkAsync());
        foreach (BudgetInfo budget in await lab.Store.BudgetsAsync(cancellationToken: Token))
            Assert.Equal((BudgetAmount.Zero, 0.5m), (budget.Reserved, budget.Spent.Usd));
    }

    [Fact]
    public async Task Run_ChainBroken_CancelEndsItsRowAndLeavesTheChain()
    {
        Lab lab = NewLab();
        RunId run = await lab.StartAsync();
        await PutAwayAsync(lab);
        await lab.Handle(run).CancelAsync("ann", cancellationToken: Token);

        Assert.Equal(RunExit.Ended, await lab.WorkAsync(store: Damaged(lab)));
        Assert.Equal(RunStatus.Cancelled, (await InfoAsync(lab, run)).Status);
        Assert.Single(await lab.JournalAsync(run));
    }

    [Fact]
    public async Task Run_PoisonInTheInbox_IsIgnoredAndTheRunGoesOn()
    {
        Lab lab = NewLab();
        RunId run = await lab.StartAsync();
        RunState state = await lab.StateAsync(run);

        RunEvent heard = Steward.State.Inbox.Translate(state, new Signal("s1", run, new MessageSignal([new DataPart("x\nerror: forged", [0])])));
        Assert.Contains("mediaType", Assert.IsType<SignalIgnored>(heard).Reason, StringComparison.Ordinal);
    }

    /// <summary>A run whose second event was written by somebody who asked no door.</summary>
    private static async Task<RunId> PoisonedAsync(Lab lab, params BudgetChange[] budget)
    {
        RunId run = await lab.StartAsync();
        Claim claim = (await lab.Store.ClaimOneAsync(new ClaimRequest { Worker = "w0", Duration = Lab.LeaseDuration }, Token))!;
        JournalEntry first = (await lab.JournalAsync(run))[0];
        var poison = new MessageReceived("s1", [new DataPart("x\nerror: forged", [0, 0, 0])]);
        Assert.IsType<AppendResult.Committed>(await lab.Store.AppendAsync(
            new RunBatch
            {
                Lease = claim.Lease,
                ExpectedSequence = 1,
                Entries = [JournalEntry.Create(run, 2, first.Hash, poison, lab.Time.GetUtcNow())],
                Budget = budget,
                Status = RunStatus.Planning,
                Reason = "test",
                Progress = true,
                Release = new RunRelease(lab.Time.GetUtcNow()),
            },
            Token));
        return run;
    }

    private static Lab NewLab() => new(Script(Says("done")), Harness.Agent().Build()) { MaxClaimAttempts = Tries };

    /// <summary>The same store, seen by a worker that finds every journal edited.</summary>
    private static FaultyStore Damaged(Lab lab) => new(lab.Store)
    {
        Methods = [nameof(IRunStore.ReadAsync)],
        FailAt = 1,
        Lasting = true,
        Error = (_, _) => new JournalException("The journal is not genuine at sequence 1."),
    };

    private static async Task PutAwayAsync(Lab lab)
    {
        FaultyStore damaged = Damaged(lab);
        for (int i = 0; i < Tries; i++)
        {
            await lab.WorkAsync(store: damaged);
            lab.Time.Advance(Lab.LeaseDuration);
        }

        await lab.WorkAsync(store: damaged);
    }

    private static async Task<RunInfo> InfoAsync(Lab lab, RunId run) =>
        Assert.Single(await lab.Store.FindAsync(new RunQuery { Run = run }, Token));
}
