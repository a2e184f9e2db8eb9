using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class SignalChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Signal_Several_AreInTheInboxInOrder),
        ConformanceCheck.Of(Signal_Bodies_ComeBackAsTheyWere),
        ConformanceCheck.Of(Signal_SameId_IsADuplicate),
        ConformanceCheck.Of(Signal_SameIdOtherRun_IsAccepted),
        ConformanceCheck.Of(Signal_SameIdAfterConsumption_IsADuplicate),
        ConformanceCheck.Of(Signal_SameIdAfterTheEnd_IsADuplicate),
        ConformanceCheck.Of(Signal_UnknownRun_SaysSo),
        ConformanceCheck.Of(Signal_EndedRun_SaysSo),
        ConformanceCheck.Of(Signal_ParkedRun_WakesIt),
        ConformanceCheck.Of(Signal_RunWithATimer_WakesItBefore),
        ConformanceCheck.Of(Signal_LeasedRun_LeavesTheLease),
        ConformanceCheck.Of(Signal_BetweenDrainAndRelease_IsNotLost),
        ConformanceCheck.Of(Signal_LeftByTheRelease_WakesTheRunOnlyInTime),
        ConformanceCheck.Of(Signal_Pending_IsToldByEachAppend),
        ConformanceCheck.Of(Signal_ManyAtOnceWithOneId_IsTakenOnce),
        ConformanceCheck.Of(Signal_ManyAtOnce_AllAreKept),
        ConformanceCheck.Of(Signal_WhileReleasing_IsNeverLost),
        ConformanceCheck.Of(Consume_Committed_TakesOnlyThose),
        ConformanceCheck.Of(Consume_RefusedBatch_KeepsTheSignal),
        ConformanceCheck.Of(Consume_UnknownSignal_IsRefused),
        ConformanceCheck.Of(Consume_Twice_IsRefused),
        ConformanceCheck.Of(Inbox_UnknownRun_IsEmpty),
    ];

    private static async Task Signal_Several_AreInTheInboxInOrder(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        foreach (string id in new[] { "z", "a", "m" })
            Expect.Equal(SignalResult.Accepted, await s.SignalAsync(run.Id, id));
        Expect.Sequence(["z", "a", "m"], await s.InboxAsync(run.Id));
    }

    private static async Task Signal_Bodies_ComeBackAsTheyWere(Scene s)
    {
        Subject run = await s.StartedAsync();
        var answer = new AnswerSignal("q1", Answer.Happened, "ann", "order 7", "seen");
        var cancel = new CancelSignal("ann", "changed my mind");
        var message = new MessageSignal([new TextPart("Zürich 🚀"), new UriPart("image/png", new Uri("https://example.com/a.png"))]);
        await s.Store.SignalAsync(new Signal("1", run.Id, answer), s.Token);
        await s.Store.SignalAsync(new Signal("2", run.Id, cancel), s.Token);
        await s.Store.SignalAsync(new Signal("3", run.Id, message), s.Token);
        IReadOnlyList<Signal> inbox = await s.Store.InboxAsync(run.Id, s.Token);
        Expect.Equal(3, inbox.Count);
        Expect.Equal(new Signal("1", run.Id, answer), inbox[0]);
        Expect.Equal(new Signal("2", run.Id, cancel), inbox[1]);
        Expect.Sequence(message.Input, Expect.Is<MessageSignal>(inbox[2].Body).Input);
    }

    private static async Task Signal_SameId_IsADuplicate(Scene s)
    {
        Subject run = await s.StartedAsync();
        Expect.Equal(SignalResult.Accepted, await s.SignalAsync(run.Id, "s1"));
        Expect.Equal(SignalResult.Duplicate, await s.SignalAsync(run.Id, "s1"));
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
    }

    private static async Task Signal_SameIdOtherRun_IsAccepted(Scene s)
    {
        Subject one = await s.StartedAsync();
        Subject two = await s.StartedAsync();
        Expect.Equal(SignalResult.Accepted, await s.SignalAsync(one.Id, "s1"));
        Expect.Equal(SignalResult.Accepted, await s.SignalAsync(two.Id, "s1"));
        Expect.Sequence(["s1"], await s.InboxAsync(two.Id));
    }

    private static async Task Signal_SameIdAfterConsumption_IsADuplicate(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"] });
        Expect.Equal(SignalResult.Duplicate, await s.SignalAsync(run.Id, "s1"));
        Expect.Sequence([], await s.InboxAsync(run.Id));
    }

    private static async Task Signal_SameIdAfterTheEnd_IsADuplicate(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        await run.CommitAsync(run.Ended() with { Consumes = ["s1"] });
        Expect.Equal(SignalResult.Duplicate, await s.SignalAsync(run.Id, "s1"));
    }

    private static async Task Signal_UnknownRun_SaysSo(Scene s)
    {
        RunId ghost = RunId.New(s.Host.Time);
        Expect.Equal(SignalResult.UnknownRun, await s.SignalAsync(ghost));
        Expect.Sequence([], await s.InboxAsync(ghost));
    }

    private static async Task Signal_EndedRun_SaysSo(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Ended());
        Expect.Equal(SignalResult.RunEnded, await s.SignalAsync(run.Id));
        Expect.Sequence([], await s.InboxAsync(run.Id));
        Expect.Equal(null, await s.ClaimAsync());
    }

    private static async Task Signal_ParkedRun_WakesIt(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked());
        await s.SignalAsync(run.Id);
        Expect.Equal(run.Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
    }

    private static async Task Signal_RunWithATimer_WakesItBefore(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked(s.Now + TimeSpan.FromDays(1)));
        Expect.Equal(null, await s.ClaimAsync());
        await s.SignalAsync(run.Id);
        Expect.NotNull(await s.ClaimAsync());
    }

    private static async Task Signal_LeasedRun_LeavesTheLease(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id);
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        Expect.Equal(s.Now + Scene.LeaseTime, (await s.InfoAsync(run.Id)).ClaimableAt);
        await run.CommitAsync(Scene.Fact());
    }

    private static async Task Signal_BetweenDrainAndRelease_IsNotLost(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Expect.Sequence([], await s.InboxAsync(run.Id));
        await s.SignalAsync(run.Id, "s1");
        AppendResult.Committed parked = await run.CommitAsync(run.Parked(s.Now + TimeSpan.FromDays(1)));
        Expect.True(parked.SignalsPending);
        Expect.NotNull(await s.ClaimAsync(worker: "w2"));
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
    }

    private static async Task Signal_LeftByTheRelease_WakesTheRunOnlyInTime(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        RunBatch parked = run.Parked(s.Now + TimeSpan.FromMinutes(1));
        await run.CommitAsync(parked with { Release = parked.Release! with { LeavesSignals = true } });
        Expect.True(await s.ClaimAsync() is null, "the signals that were left do not wake the run");
        await s.AdvanceAsync(TimeSpan.FromMinutes(1));
        await run.ClaimAsync();
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
        parked = run.Parked(s.Now + TimeSpan.FromMinutes(1));
        await run.CommitAsync(parked with { Release = parked.Release! with { LeavesSignals = true } });
        await s.SignalAsync(run.Id, "s2");
        await run.ClaimAsync();
    }

    private static async Task Signal_Pending_IsToldByEachAppend(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Expect.Equal(false, (await run.CommitAsync(Scene.Fact())).SignalsPending);
        await s.SignalAsync(run.Id, "s1");
        await s.SignalAsync(run.Id, "s2");
        Expect.Equal(true, (await run.CommitAsync(Scene.Fact())).SignalsPending);
        Expect.Equal(true, (await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"] })).SignalsPending);
        Expect.Equal(false, (await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["s2"] })).SignalsPending);
    }

    private static async Task Signal_ManyAtOnceWithOneId_IsTakenOnce(Scene s)
    {
        Subject run = await s.StartedAsync();
        SignalResult[] results = await Scene.AtOnceAsync(32, _ => s.SignalAsync(run.Id, "s1"));
        Expect.Equal(1, results.Count(r => r == SignalResult.Accepted), "signals that were accepted");
        Expect.Equal(31, results.Count(r => r == SignalResult.Duplicate), "signals that were duplicates");
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
    }

    private static async Task Signal_ManyAtOnce_AllAreKept(Scene s)
    {
        Subject run = await s.StartedAsync();
        await Scene.AtOnceAsync(32, i => s.SignalAsync(run.Id, $"s{i}"));
        Expect.Sequence(Enumerable.Range(0, 32).Select(i => $"s{i}").Order(), (await s.InboxAsync(run.Id)).Order());
    }

    // Whichever of the two commits first, the run must end up claimable.
    private static async Task Signal_WhileReleasing_IsNeverLost(Scene s)
    {
        for (int round = 0; round < 20; round++)
        {
            Subject run = await s.ClaimedAsync();
            RunBatch parked = run.Parked();
            await Scene.AtOnceAsync(2, async i =>
            {
                if (i == 0)
                    await s.SignalAsync(run.Id);
                else
                    await run.CommitAsync(parked);
                return i;
            });
            Expect.NotNull(await s.ClaimAsync(run.Id), $"the claim in round {round}");
        }
    }

    private static async Task Consume_Committed_TakesOnlyThose(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        foreach (string id in new[] { "a", "b", "c" })
            await s.SignalAsync(run.Id, id);
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["c", "a"] });
        Expect.Sequence(["b"], await s.InboxAsync(run.Id));
    }

    private static async Task Consume_RefusedBatch_KeepsTheSignal(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { ModelCalls = 1 });
        await s.SignalAsync(run.Id, "s1");
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(ModelCalls: 2)) with { Consumes = ["s1"] }));
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
        await s.EngageAsync("global");
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect() with { Consumes = ["s1"] }));
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
        await run.FencedAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"], Lease = run.Lease with { Epoch = 7 } });
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
    }

    private static async Task Consume_UnknownSignal_IsRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await Expect.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch(Scene.Fact()) with { Consumes = ["never sent"] }));
        await run.UnchangedAsync();
    }

    private static async Task Consume_Twice_IsRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        await Expect.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1", "s1"] }));
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"] });
        await Expect.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"] }));
        await run.UnchangedAsync();
    }

    private static async Task Inbox_UnknownRun_IsEmpty(Scene s) =>
        Expect.Sequence([], await s.InboxAsync(RunId.New(s.Host.Time)));
}
