using Steward.Engine;
using Steward.Journal;
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
        await lab.Store.SignalAsync(new Signal("s1", run, new CancelSignal("ann", null)), Token);
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
