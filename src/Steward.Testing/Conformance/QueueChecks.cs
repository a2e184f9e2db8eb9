using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Limits as operators set them, and queues that take no further run.</summary>
internal static class QueueChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Limits_Set_AreListedWithWhatCounts),
        ConformanceCheck.Of(Limits_SetAgain_StandInPlaceOfThoseBefore),
        ConformanceCheck.Of(Limits_OfAnotherKindThanTheScope_AreRefused),
        ConformanceCheck.Of(Limits_Reopened_StillHold) with { NeedsPersistence = true },
        ConformanceCheck.Of(Queue_Full_StartsNothing),
        ConformanceCheck.Of(Queue_Full_SameKeyStillFindsItsRun),
        ConformanceCheck.Of(Queue_Full_ChildrenAreStarted),
        ConformanceCheck.Of(Queue_RunClaimedOrEnded_TakesAnother),
        ConformanceCheck.Of(Queue_RunThatWaits_CountsOnlyOnceItIsDue),
        ConformanceCheck.Of(Queue_LeaseExpired_CountsAgain),
        ConformanceCheck.Of(Queue_WaitingForItsTurn_Counts),
        ConformanceCheck.Of(Queue_OtherTenant_IsNotTouched),
        ConformanceCheck.Of(Queue_Global_CountsAllTenants),
        ConformanceCheck.Of(Queue_EachTenant_HoldsForThoseWithoutTheirOwn),
        ConformanceCheck.Of(Queue_FullUnderInterrupt_CancelsNobody),
        ConformanceCheck.Of(Queue_ManyAtOnce_TakesAsManyAsFit),
    ];

    private static Task LimitAsync(Scene s, int? queue, string tenant = "acme") =>
        s.Store.SetLimitsAsync(LimitScope.ForTenant(tenant), new Limits { Queue = queue }, s.Token).AsTask();

    private static async Task<QueueFull> FullAsync(Scene s, RunStart start)
    {
        StartResult result = await s.Store.StartAsync(start, s.Token);
        Expect.Equal(false, result.Created);
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery { Run = start.Run }, s.Token)).Count);
        return Expect.NotNull(result.Full);
    }

    private static async Task Limits_Set_AreListedWithWhatCounts(Scene s)
    {
        await s.Store.SetLimitsAsync(LimitScope.ForTool("fetch"), new Limits { CallsAtOnce = 4 }, s.Token);
        await s.Store.SetLimitsAsync(LimitScope.EachTenant, new Limits { Queue = 9 }, s.Token);
        await s.Store.SetLimitsAsync(LimitScope.ForTenant("acme"), new Limits { RunsAtOnce = 7, Queue = 8 }, s.Token);
        await s.Store.SetLimitsAsync(LimitScope.Global, new Limits { RunsAtOnce = 70 }, s.Token);
        await s.StartedAsync("acme");
        await s.StartedAsync("globex");
        await s.ClaimedAsync("acme");
        Expect.Sequence(
            [
                new LimitInfo(LimitScope.Global, new Limits { RunsAtOnce = 70 }, new LimitUsage(1, 2, 0)),
                new LimitInfo(LimitScope.EachTenant, new Limits { Queue = 9 }, default),
                new LimitInfo(LimitScope.ForTenant("acme"), new Limits { RunsAtOnce = 7, Queue = 8 }, new LimitUsage(1, 1, 0)),
                new LimitInfo(LimitScope.ForTool("fetch"), new Limits { CallsAtOnce = 4 }, default),
            ],
            await s.Store.LimitsAsync(s.Token));
    }

    private static async Task Limits_SetAgain_StandInPlaceOfThoseBefore(Scene s)
    {
        await LimitAsync(s, 3);
        await s.Store.SetLimitsAsync(LimitScope.ForTenant("acme"), new Limits { RunsAtOnce = 2 }, s.Token);
        Expect.Sequence([new Limits { RunsAtOnce = 2 }], (await s.Store.LimitsAsync(s.Token)).Select(l => l.Limits));
        await LimitAsync(s, null);
        await LimitAsync(s, null);
        Expect.Sequence([], await s.Store.LimitsAsync(s.Token));
    }

    private static async Task Limits_OfAnotherKindThanTheScope_AreRefused(Scene s)
    {
        (LimitScope Scope, Limits Limits)[] wrong =
        [
            (LimitScope.ForTool("fetch"), new Limits { Queue = 1 }),
            (LimitScope.EachTool, new Limits { RunsAtOnce = 1 }),
            (LimitScope.ForTenant("acme"), new Limits { CallsAtOnce = 1 }),
            (LimitScope.Global, new Limits { Queue = -1 }),
        ];
        foreach ((LimitScope scope, Limits limits) in wrong)
            await Expect.ThrowsAsync<ArgumentException>(
                async () => await s.Store.SetLimitsAsync(scope, limits, s.Token), $"{scope} {limits}");
        await Expect.ThrowsAsync<FormatException>(
            async () => await s.Store.SetLimitsAsync(new LimitScope("agent:support"), new Limits { Queue = 1 }, s.Token));
        Expect.Sequence([], await s.Store.LimitsAsync(s.Token));
    }

    private static async Task Limits_Reopened_StillHold(Scene s)
    {
        await LimitAsync(s, 1);
        await s.StartedAsync();
        IReadOnlyList<LimitInfo> before = await s.Store.LimitsAsync(s.Token);
        await s.ReopenAsync();
        Expect.Sequence(before, await s.Store.LimitsAsync(s.Token));
        await FullAsync(s, s.Start());
    }

    private static async Task Queue_Full_StartsNothing(Scene s)
    {
        await LimitAsync(s, 2);
        await s.StartedAsync();
        await s.StartedAsync();
        Expect.Equal(new QueueFull(LimitScope.ForTenant("acme"), 2, 2), await FullAsync(s, s.Start()));
    }

    private static async Task Queue_Full_SameKeyStillFindsItsRun(Scene s)
    {
        await LimitAsync(s, 1);
        RunStart start = s.Start(key: "order-1");
        Subject run = await s.StartedAsync(start);
        Expect.Equal(new StartResult(run.Id, Created: false), await s.Store.StartAsync(s.Start(key: "order-1"), s.Token));
        Expect.Equal(new StartResult(run.Id, Created: false), await s.Store.StartAsync(start, s.Token));
        await FullAsync(s, s.Start(key: "order-2"));
    }

    private static async Task Queue_Full_ChildrenAreStarted(Scene s)
    {
        Subject parent = await s.ClaimedAsync();
        await LimitAsync(s, 0);
        Subject child = await s.ChildAsync(parent);
        await FullAsync(s, s.Start());
        await child.CommitAsync(child.Ended());
    }

    private static async Task Queue_RunClaimedOrEnded_TakesAnother(Scene s)
    {
        await LimitAsync(s, 1);
        Subject one = await s.StartedAsync();
        await FullAsync(s, s.Start());
        await one.ClaimAsync();
        Subject two = await s.StartedAsync();
        await FullAsync(s, s.Start());
        await two.ClaimAsync();
        await two.CommitAsync(two.Ended());
        await s.StartedAsync();
    }

    private static async Task Queue_RunThatWaits_CountsOnlyOnceItIsDue(Scene s)
    {
        await LimitAsync(s, 1);
        Subject timer = await s.ClaimedAsync();
        await timer.CommitAsync(timer.Parked(s.Now + TimeSpan.FromMinutes(1)));
        Subject person = await s.ClaimedAsync();
        await person.CommitAsync(person.Parked());
        Subject next = await s.ClaimedAsync();
        await next.CommitAsync(next.Ended());
        await s.AdvanceAsync(TimeSpan.FromMinutes(1));
        await FullAsync(s, s.Start());
        await timer.ClaimAsync();
        await s.SignalAsync(person.Id);
        await FullAsync(s, s.Start());
    }

    private static async Task Queue_LeaseExpired_CountsAgain(Scene s)
    {
        await LimitAsync(s, 1);
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime);
        await FullAsync(s, s.Start());
        await run.ClaimAsync("w2");
        await s.StartedAsync();
    }

    private static async Task Queue_WaitingForItsTurn_Counts(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        await LimitAsync(s, 1);
        RunStart start = s.Start(session: "chat") with { SessionPolicy = SessionPolicy.Enqueue };
        Subject waiting = await s.StartedAsync(start);
        await FullAsync(s, s.Start(session: "chat") with { SessionPolicy = SessionPolicy.Enqueue });
        await active.CommitAsync(active.Ended());
        await FullAsync(s, s.Start());
        await waiting.ClaimAsync();
        await s.StartedAsync();
    }

    private static async Task Queue_OtherTenant_IsNotTouched(Scene s)
    {
        await LimitAsync(s, 1);
        await s.StartedAsync("globex");
        await s.StartedAsync("globex");
        await s.StartedAsync("acme");
        await FullAsync(s, s.Start("acme"));
        await s.StartedAsync("globex");
    }

    private static async Task Queue_Global_CountsAllTenants(Scene s)
    {
        await s.Store.SetLimitsAsync(LimitScope.Global, new Limits { Queue = 2 }, s.Token);
        await s.StartedAsync("acme");
        await s.StartedAsync("globex");
        Expect.Equal(new QueueFull(LimitScope.Global, 2, 2), await FullAsync(s, s.Start("initech")));
    }

    private static async Task Queue_EachTenant_HoldsForThoseWithoutTheirOwn(Scene s)
    {
        await s.Store.SetLimitsAsync(LimitScope.EachTenant, new Limits { Queue = 1 }, s.Token);
        await LimitAsync(s, 2);
        await s.StartedAsync("acme");
        await s.StartedAsync("globex");
        Expect.Equal(new QueueFull(LimitScope.ForTenant("globex"), 1, 1), await FullAsync(s, s.Start("globex")));
        await s.StartedAsync("acme");
        await FullAsync(s, s.Start("acme"));
    }

    private static async Task Queue_FullUnderInterrupt_CancelsNobody(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        await LimitAsync(s, 0);
        await FullAsync(s, s.Start(session: "chat") with { SessionPolicy = SessionPolicy.Interrupt });
        Expect.Sequence([], await s.InboxAsync(active.Id));
    }

    private static async Task Queue_ManyAtOnce_TakesAsManyAsFit(Scene s)
    {
        await LimitAsync(s, 5);
        StartResult[] results = await Scene.AtOnceAsync(16, _ => s.Store.StartAsync(s.Start(), s.Token).AsTask());
        Expect.Equal(5, results.Count(r => r.Created));
        Expect.True(results.All(r => r.Created || r.Full is { Limit: 5, Waiting: 5 }), "those that found no room are told so");
    }
}
