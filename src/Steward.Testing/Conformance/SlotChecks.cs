using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Calls at once: how many calls of a tool may be in flight, over all runs.</summary>
internal static class SlotChecks
{
    private const string Tool = "fetch";

    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Slots_NoneLeft_ThrottleAndRecordNothing),
        ConformanceCheck.Of(Slots_CallReturnedOrFailed_AreGivenBack),
        ConformanceCheck.Of(Slots_RunEnded_AreGivenBack),
        ConformanceCheck.Of(Slots_RunGivenBack_AreGivenBack),
        ConformanceCheck.Of(Slots_RunTakenOver_AreGivenBackByTheClaim),
        ConformanceCheck.Of(Slots_LeaseExpired_DoNotCount),
        ConformanceCheck.Of(Slots_SeveralCallsInOneBatch_FitOrSayHowMany),
        ConformanceCheck.Of(Slots_ResultAndNextCallInOneBatch_FitInOneSlot),
        ConformanceCheck.Of(Slots_OtherTool_IsNotTouched),
        ConformanceCheck.Of(Slots_EachTool_HoldsForThoseWithoutTheirOwn),
        ConformanceCheck.Of(Slots_LimitOfNone_HoldsEveryCallBack),
        ConformanceCheck.Of(Slots_LimitSetMeanwhile_CountsWhatStartsFromThenOn),
        ConformanceCheck.Of(Slots_LimitTakenOff_NothingIsThrottled),
        ConformanceCheck.Of(Slots_StaleKilledOrOverBudget_SayThatFirst),
        ConformanceCheck.Of(Slots_ManyRunsAtOnce_NeverMoreThanTheLimit),
        ConformanceCheck.Of(Slots_Reopened_AreStillHeld) with { NeedsPersistence = true },
    ];

    private static Task LimitAsync(Scene s, int? calls, string tool = Tool) =>
        s.Store.SetLimitsAsync(LimitScope.ForTool(tool), new Limits { CallsAtOnce = calls }, s.Token).AsTask();

    private static RunBatch Calls(Subject run, int count = 1, string tool = Tool, int turn = 1) =>
        run.Batch([.. Enumerable.Range(0, count).Select(i => Started(turn, i, tool))]) with { StartsEffect = true };

    private static ToolStarted Started(int turn, int index = 0, string tool = Tool) => new()
    {
        Turn = turn,
        Index = index,
        Name = tool,
        Effect = ToolEffect.Unsafe,
        Key = $"{turn}.{index}",
        ArgumentsHash = new string('a', 64),
        Attempt = 1,
        Reserved = BudgetAmount.Zero,
    };

    private static ToolReturned Returned(int turn, int index = 0) =>
        new() { Turn = turn, Index = index, Result = "ok", Settled = BudgetAmount.Zero };

    private static ToolFailed Failed(int turn, int index = 0) =>
        new() { Turn = turn, Index = index, Failure = ToolFailure.OutcomeUnknown, Message = "lost", Settled = BudgetAmount.Zero };

    private static async Task<AppendResult.Throttled> ThrottledAsync(Subject run, RunBatch batch)
    {
        var throttled = Expect.Is<AppendResult.Throttled>(await run.AppendAsync(batch));
        await run.UnchangedAsync();
        return throttled;
    }

    private static async Task<int> InFlightAsync(Scene s, string tool = Tool) =>
        (await s.Store.LimitsAsync(s.Token)).Single(l => l.Scope == LimitScope.ForTool(tool)).Used.Calls;

    private static async Task Slots_NoneLeft_ThrottleAndRecordNothing(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.ClaimedAsync("acme"), two = await s.ClaimedAsync("globex", "sales");
        await s.SignalAsync(two.Id, "s1");
        await one.CommitAsync(Calls(one));
        RunBatch batch = Calls(two) with { Consumes = ["s1"], Budget = [two.Reserve(new BudgetAmount(ToolCalls: 1))] };
        Expect.Equal(new AppendResult.Throttled(Tool, 1, 1), await ThrottledAsync(two, batch));
        Expect.Equal(BudgetAmount.Zero, (await s.InfoAsync(two.Id)).Reserved);
        Expect.Sequence(["s1"], await s.InboxAsync(two.Id));
        Expect.Equal(1, await InFlightAsync(s));
    }

    private static async Task Slots_CallReturnedOrFailed_AreGivenBack(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.ClaimedAsync(), two = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one));
        await one.CommitAsync(Returned(1));
        await two.CommitAsync(Calls(two));
        await ThrottledAsync(one, Calls(one, turn: 2));
        await two.CommitAsync(Failed(1));
        await one.CommitAsync(Calls(one, turn: 2));
    }

    private static async Task Slots_RunEnded_AreGivenBack(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.ClaimedAsync(), two = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one));
        await one.CommitAsync(one.Ended());
        Expect.Equal(0, await InFlightAsync(s));
        await two.CommitAsync(Calls(two));
    }

    private static async Task Slots_RunGivenBack_AreGivenBack(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.ClaimedAsync(), two = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one));
        await one.CommitAsync(one.Parked());
        await two.CommitAsync(Calls(two));
    }

    private static async Task Slots_RunTakenOver_AreGivenBackByTheClaim(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.ClaimedAsync(), two = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one));
        await s.AdvanceAsync(Scene.LeaseTime);
        await one.ClaimAsync("w2");
        await two.ClaimAsync("w2");
        await one.CommitAsync(new RunClaimed(one.Lease.Epoch, "w2", 2));
        Expect.Equal(0, await InFlightAsync(s));
        await two.CommitAsync(Calls(two));
    }

    private static async Task Slots_LeaseExpired_DoNotCount(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one));
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.Equal(0, await InFlightAsync(s));
        Subject two = await s.StartedAsync();
        await two.ClaimAsync("w2");
        await two.CommitAsync(Calls(two));
        Expect.Equal(1, await InFlightAsync(s));
    }

    private static async Task Slots_SeveralCallsInOneBatch_FitOrSayHowMany(Scene s)
    {
        await LimitAsync(s, 3);
        Subject one = await s.ClaimedAsync(), two = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one));
        AppendResult.Throttled throttled = await ThrottledAsync(two, Calls(two, 3));
        Expect.Equal((3, 1, 2), (throttled.Limit, throttled.Running, throttled.Free));
        await two.CommitAsync(Calls(two, 2));
        Expect.Equal(0, (await ThrottledAsync(one, Calls(one, 1, turn: 2))).Free);
        Expect.Equal(3, await InFlightAsync(s));
    }

    private static async Task Slots_ResultAndNextCallInOneBatch_FitInOneSlot(Scene s)
    {
        await LimitAsync(s, 1);
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Calls(run));
        await run.CommitAsync(run.Batch(Returned(1), Started(2)) with { StartsEffect = true });
        Expect.Equal(1, await InFlightAsync(s));
        await run.CommitAsync(Returned(2));
        Expect.Equal(0, await InFlightAsync(s));
    }

    private static async Task Slots_OtherTool_IsNotTouched(Scene s)
    {
        await LimitAsync(s, 1);
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Calls(run));
        await run.CommitAsync(Calls(run, 8, "free", turn: 2));
    }

    private static async Task Slots_EachTool_HoldsForThoseWithoutTheirOwn(Scene s)
    {
        await s.Store.SetLimitsAsync(LimitScope.EachTool, new Limits { CallsAtOnce = 1 }, s.Token);
        await LimitAsync(s, 2, "wide");
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(
            run.Batch(Started(1, 0, "a"), Started(1, 1, "b"), Started(1, 2, "wide"), Started(1, 3, "wide")) with { StartsEffect = true });
        Expect.Equal(1, (await ThrottledAsync(run, Calls(run, 1, "a", turn: 2))).Limit);
        Expect.Equal(2, (await ThrottledAsync(run, Calls(run, 1, "wide", turn: 2))).Limit);
    }

    private static async Task Slots_LimitOfNone_HoldsEveryCallBack(Scene s)
    {
        await LimitAsync(s, 0);
        Subject run = await s.ClaimedAsync();
        Expect.Equal(new AppendResult.Throttled(Tool, 0, 0), await ThrottledAsync(run, Calls(run)));
    }

    private static async Task Slots_LimitSetMeanwhile_CountsWhatStartsFromThenOn(Scene s)
    {
        Subject one = await s.ClaimedAsync(), two = await s.ClaimedAsync();
        await one.CommitAsync(Calls(one, 4));
        await LimitAsync(s, 1);
        await two.CommitAsync(Calls(two));
        await ThrottledAsync(two, Calls(two, turn: 2));
        await one.CommitAsync(Returned(1));
        await ThrottledAsync(one, Calls(one, turn: 2));
    }

    private static async Task Slots_LimitTakenOff_NothingIsThrottled(Scene s)
    {
        await LimitAsync(s, 1);
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Calls(run));
        await LimitAsync(s, null);
        await run.CommitAsync(Calls(run, 5, turn: 2));
        await LimitAsync(s, 1);
        Expect.Equal(1, await InFlightAsync(s));
        await run.CommitAsync(Returned(1));
        Expect.Equal(0, await InFlightAsync(s));
    }

    private static async Task Slots_StaleKilledOrOverBudget_SayThatFirst(Scene s)
    {
        await LimitAsync(s, 0);
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { ToolCalls = 0 });
        Expect.Is<AppendResult.OverBudget>(
            await run.AppendAsync(Calls(run) with { Budget = [run.Reserve(new BudgetAmount(ToolCalls: 1))] }));
        await s.EngageAsync("global");
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(Calls(run)));
        await run.FencedAsync(Calls(run) with { Lease = run.Lease with { Epoch = 9 } });
    }

    private static async Task Slots_ManyRunsAtOnce_NeverMoreThanTheLimit(Scene s)
    {
        await LimitAsync(s, 5);
        Subject[] runs = new Subject[16];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = await s.ClaimedAsync($"t{i % 3}");
        AppendResult[] first = await Scene.AtOnceAsync(runs.Length, i => runs[i].AppendAsync(Calls(runs[i])));
        Expect.Equal(5, first.Count(r => r is AppendResult.Committed));
        Expect.Equal(11, first.Count(r => r is AppendResult.Throttled));
        Expect.Equal(5, await InFlightAsync(s));
        await Scene.AtOnceAsync(
            runs.Length, i => first[i] is AppendResult.Committed ? runs[i].AppendAsync(runs[i].Ended()) : Task.FromResult(first[i]));
        Expect.Equal(0, await InFlightAsync(s));
    }

    private static async Task Slots_Reopened_AreStillHeld(Scene s)
    {
        await LimitAsync(s, 2);
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Calls(run, 2));
        await s.ReopenAsync();
        Expect.Equal(2, await InFlightAsync(s));
        await ThrottledAsync(run, Calls(run, turn: 2));
        await run.CommitAsync(Returned(1, 1));
        await run.CommitAsync(Calls(run, turn: 2));
    }
}
