using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Sessions: what a new run does while an earlier one of its conversation is active.</summary>
internal static class SessionChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Parallel_BusySession_RunsBeside),
        ConformanceCheck.Of(Reject_BusySession_StartsNothing),
        ConformanceCheck.Of(Reject_ManyAtOnce_StartsOne),
        ConformanceCheck.Of(Enqueue_BusySession_WaitsForItsTurn),
        ConformanceCheck.Of(Enqueue_Several_GoInOrder),
        ConformanceCheck.Of(Enqueue_CancelledWhileWaiting_CanBeEnded),
        ConformanceCheck.Of(Enqueue_Message_DoesNotJumpTheQueue),
        ConformanceCheck.Of(Interrupt_BusySession_CancelsTheOthers),
        ConformanceCheck.Of(Rollback_BusySession_SaysSoInTheCancel),
        ConformanceCheck.Of(Policies_OtherSessionOrTenant_AreNotTouched),
        ConformanceCheck.Of(Policies_IdleSession_StartAtOnce),
    ];

    private static RunStart Next(Scene s, SessionPolicy policy, string session = "chat", string tenant = "acme") =>
        s.Start(tenant, session: session) with { SessionPolicy = policy };

    private static async Task Parallel_BusySession_RunsBeside(Scene s)
    {
        await s.ClaimedAsync(session: "chat");
        RunStart start = Next(s, SessionPolicy.Parallel);
        await s.StartedAsync(start);
        Expect.NotNull(await s.ClaimAsync(start.Run));
    }

    private static async Task Reject_BusySession_StartsNothing(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        RunStart start = Next(s, SessionPolicy.Reject);
        StartResult result = await s.Store.StartAsync(start, s.Token);
        Expect.Equal((false, (RunId?)active.Id), (result.Created, result.BusyWith));
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery { Run = start.Run }, s.Token)).Count);
    }

    private static async Task Reject_ManyAtOnce_StartsOne(Scene s)
    {
        StartResult[] results = await Scene.AtOnceAsync(12, _ => s.Store.StartAsync(Next(s, SessionPolicy.Reject), s.Token).AsTask());
        Expect.Equal(1, results.Count(r => r.Created));
    }

    private static async Task Enqueue_BusySession_WaitsForItsTurn(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        RunStart start = Next(s, SessionPolicy.Enqueue);
        await s.StartedAsync(start);
        Expect.Equal(null, await s.ClaimAsync(start.Run, "w2"));
        await active.CommitAsync(active.Parked());
        Expect.Equal(null, await s.ClaimAsync(start.Run, "w2"));
        await s.SignalAsync(active.Id);
        await active.ClaimAsync();
        await active.CommitAsync(active.Ended());
        Expect.NotNull(await s.ClaimAsync(start.Run, "w2"), "the next run's claim");
    }

    private static async Task Enqueue_Several_GoInOrder(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        RunStart second = Next(s, SessionPolicy.Enqueue), third = Next(s, SessionPolicy.Enqueue);
        Subject next = await s.StartedAsync(second);
        await s.StartedAsync(third);
        await active.CommitAsync(active.Ended());
        Expect.Equal(null, await s.ClaimAsync(third.Run));
        await next.ClaimAsync();
        await next.CommitAsync(next.Ended());
        Expect.NotNull(await s.ClaimAsync(third.Run));
    }

    private static async Task Enqueue_CancelledWhileWaiting_CanBeEnded(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        RunStart start = Next(s, SessionPolicy.Enqueue);
        Subject waiting = await s.StartedAsync(start);
        await s.SignalAsync(waiting.Id);
        await waiting.ClaimAsync("w2");
        await waiting.CommitAsync(waiting.Ended());
        await active.CommitAsync(active.Ended());
    }

    private static async Task Enqueue_Message_DoesNotJumpTheQueue(Scene s)
    {
        await s.ClaimedAsync(session: "chat");
        RunStart start = Next(s, SessionPolicy.Enqueue);
        await s.StartedAsync(start);
        await s.Store.SignalAsync(new Signal("m1", start.Run, new MessageSignal([new TextPart("And?")])), s.Token);
        Expect.Equal(null, await s.ClaimAsync(start.Run, "w2"));
        Expect.Sequence(["m1"], await s.InboxAsync(start.Run));
    }

    private static async Task Interrupt_BusySession_CancelsTheOthers(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        RunStart start = Next(s, SessionPolicy.Interrupt);
        await s.StartedAsync(start);
        var cancel = Expect.Is<CancelSignal>((await s.Store.InboxAsync(active.Id, s.Token))[0].Body);
        Expect.Equal(SessionRules.Interrupt, cancel.By);
        Expect.Equal(null, await s.ClaimAsync(start.Run, "w2"));
        await active.CommitAsync(active.Ended());
        Expect.NotNull(await s.ClaimAsync(start.Run, "w2"));
    }

    private static async Task Rollback_BusySession_SaysSoInTheCancel(Scene s)
    {
        Subject active = await s.ClaimedAsync(session: "chat");
        await s.StartedAsync(Next(s, SessionPolicy.Rollback));
        Expect.Equal(SessionRules.Rollback, Expect.Is<CancelSignal>((await s.Store.InboxAsync(active.Id, s.Token))[0].Body).By);
    }

    private static async Task Policies_OtherSessionOrTenant_AreNotTouched(Scene s)
    {
        Subject other = await s.ClaimedAsync(session: "other");
        Subject tenant = await s.ClaimedAsync("beta", session: "chat");
        Subject active = await s.ClaimedAsync(session: "chat");
        Subject child = await s.ChildAsync(active, session: "chat");
        await s.StartedAsync(Next(s, SessionPolicy.Interrupt));
        Expect.Sequence([], await s.InboxAsync(other.Id));
        Expect.Sequence([], await s.InboxAsync(tenant.Id));
        Expect.Sequence([], await s.InboxAsync(child.Id));
        Expect.Equal(1, (await s.InboxAsync(active.Id)).Length);
    }

    private static async Task Policies_IdleSession_StartAtOnce(Scene s)
    {
        Subject before = await s.ClaimedAsync(session: "chat");
        await before.CommitAsync(before.Ended());
        foreach (SessionPolicy policy in new[]
        {
            SessionPolicy.Reject,
            SessionPolicy.Enqueue,
            SessionPolicy.Interrupt,
            SessionPolicy.Rollback,
        })
        {
            Subject run = await s.StartedAsync(Next(s, policy));
            await run.ClaimAsync();
            await run.CommitAsync(run.Ended());
        }
    }
}
