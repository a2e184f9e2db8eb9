using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class RenewChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Renew_Held_Prolongs),
        ConformanceCheck.Of(Renew_ManyAtOnce_ProlongsAll),
        ConformanceCheck.Of(Renew_OneLeftOut_RunsOut),
        ConformanceCheck.Of(Renew_NothingInHand_IsEmpty),
        ConformanceCheck.Of(Renew_AfterTakeover_IsNotHeld),
        ConformanceCheck.Of(Renew_SomeTakenOver_KeepsTheOthers),
        ConformanceCheck.Of(Renew_TakenOverBySameName_IsNotHeldUnderTheOldEpoch),
        ConformanceCheck.Of(Renew_WrongWorker_IsNotHeld),
        ConformanceCheck.Of(Renew_ExpiredButUnclaimed_IsHeldAgain),
        ConformanceCheck.Of(Renew_AfterRelease_IsNotHeld),
        ConformanceCheck.Of(Renew_EndedOrUnknownRun_IsNotHeld),
        ConformanceCheck.Of(Renew_Row_SaysUntilWhen),
    ];

    private static async Task Renew_Held_Prolongs(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime / 2);
        Expect.Sequence([run.Lease], await s.RenewAsync("w1", run.Lease));
        await s.AdvanceAsync(Scene.LeaseTime - TimeSpan.FromMilliseconds(1));
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        await s.AdvanceAsync(TimeSpan.FromMilliseconds(1));
        Expect.NotNull(await s.ClaimAsync(worker: "w2"));
    }

    private static async Task Renew_ManyAtOnce_ProlongsAll(Scene s)
    {
        Subject[] runs = [await s.ClaimedAsync(), await s.ClaimedAsync("other"), await s.ClaimedAsync()];
        await s.AdvanceAsync(Scene.LeaseTime / 2);
        Lease[] leases = [.. runs.Select(r => r.Lease)];
        Expect.Sequence(leases, await s.RenewAsync("w1", leases));
        await s.AdvanceAsync(Scene.LeaseTime - TimeSpan.FromMilliseconds(1));
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        foreach (Subject run in runs)
            await run.CommitAsync(Scene.Fact());
    }

    /// <summary>What a worker has given up without a word is not held by its other runs' signs of life.</summary>
    private static async Task Renew_OneLeftOut_RunsOut(Scene s)
    {
        Subject kept = await s.ClaimedAsync();
        Subject left = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime / 2);
        await s.RenewAsync("w1", kept.Lease);
        await s.AdvanceAsync(Scene.LeaseTime / 2);
        await s.RenewAsync("w1", kept.Lease);
        RunBatch late = left.Batch(Scene.Fact("late"));
        Expect.Equal(left.Id, Expect.NotNull(await s.ClaimAsync(worker: "w2")).Lease.Run);
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        await left.FencedAsync(late);
        await kept.CommitAsync(Scene.Fact());
    }

    private static async Task Renew_NothingInHand_IsEmpty(Scene s) => Expect.Sequence([], await s.RenewAsync("w1"));

    private static async Task Renew_AfterTakeover_IsNotHeld(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Lease old = run.Lease;
        await s.AdvanceAsync(Scene.LeaseTime);
        await run.ClaimAsync("w2");
        Expect.Sequence([], await s.Store.RenewAsync("w1", [old], Scene.LeaseTime * 9, s.Token));
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.NotNull(await s.ClaimAsync(worker: "w3"));
    }

    private static async Task Renew_SomeTakenOver_KeepsTheOthers(Scene s)
    {
        Subject taken = await s.ClaimedAsync();
        Subject kept = await s.ClaimedAsync();
        Lease old = taken.Lease;
        await s.AdvanceAsync(Scene.LeaseTime);
        await taken.ClaimAsync("w2");
        Expect.Sequence([kept.Lease], await s.RenewAsync("w1", old, kept.Lease));
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        await kept.CommitAsync(Scene.Fact());
        await taken.CommitAsync(Scene.Fact());
    }

    private static async Task Renew_TakenOverBySameName_IsNotHeldUnderTheOldEpoch(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Lease old = run.Lease;
        await s.AdvanceAsync(Scene.LeaseTime);
        await run.ClaimAsync();
        Expect.Sequence([], await s.RenewAsync("w1", old));
        Expect.Sequence([run.Lease], await s.RenewAsync("w1", old, run.Lease));
    }

    private static async Task Renew_WrongWorker_IsNotHeld(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Expect.Sequence([], await s.RenewAsync("w2", run.Lease with { Worker = "w2" }));
        Expect.Sequence([], await s.RenewAsync("w2", run.Lease));
    }

    private static async Task Renew_ExpiredButUnclaimed_IsHeldAgain(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime * 2);
        Expect.Sequence([run.Lease], await s.RenewAsync("w1", run.Lease));
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
    }

    private static async Task Renew_AfterRelease_IsNotHeld(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked());
        Expect.Sequence([], await s.RenewAsync("w1", run.Lease));
        Expect.Equal(null, (await s.InfoAsync(run.Id)).ClaimableAt);
    }

    private static async Task Renew_EndedOrUnknownRun_IsNotHeld(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Ended());
        Expect.Sequence([], await s.RenewAsync("w1", run.Lease, new Lease(RunId.New(s.Host.Time), 1, "w1")));
    }

    private static async Task Renew_Row_SaysUntilWhen(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime / 2);
        await s.RenewAsync("w1", run.Lease);
        Expect.Equal(s.Now + Scene.LeaseTime, (await s.InfoAsync(run.Id)).ClaimableAt);
    }
}
