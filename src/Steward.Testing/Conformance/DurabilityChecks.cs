using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class DurabilityChecks
{
    public static IEnumerable<ConformanceCheck> All => new[]
    {
        ConformanceCheck.Of(Reopen_Journal_IsAllThereAndGenuine),
        ConformanceCheck.Of(Reopen_Lease_IsStillHeld),
        ConformanceCheck.Of(Reopen_Attempts_AreCountedOn),
        ConformanceCheck.Of(Reopen_Signals_AreStillPendingAndKnown),
        ConformanceCheck.Of(Reopen_Key_StillFindsTheRun),
        ConformanceCheck.Of(Reopen_Budgets_AreStillThere),
        ConformanceCheck.Of(Reopen_Switches_StillHold),
        ConformanceCheck.Of(Reopen_BlobsAndSnapshots_AreStillThere),
        ConformanceCheck.Of(Reopen_ParkedAndEndedRuns_StayAsTheyWere),
        ConformanceCheck.Of(Reopen_SmallerInlineLimit_StillReadsEverything),
    }.Select(c => c with { NeedsPersistence = true });

    private static async Task Reopen_Journal_IsAllThereAndGenuine(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        for (int i = 0; i < 10; i++)
            await run.CommitAsync(Scene.Fact(new string('x', i * 4_000)), Scene.Fact());
        RunInfo before = await s.InfoAsync(run.Id);
        await s.ReopenAsync();
        await run.UnchangedAsync();
        Expect.Equal(before, await s.InfoAsync(run.Id));
        ReadOnlyMemory<byte> head = JournalEntry.Origin;
        foreach (JournalEntry entry in await s.ReadAsync(run.Id))
        {
            entry.Verify(head);
            head = entry.Hash;
        }
    }

    private static async Task Reopen_Lease_IsStillHeld(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.ReopenAsync();
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        await run.CommitAsync(Scene.Fact());
        await s.AdvanceAsync(Scene.LeaseTime);
        await run.ClaimAsync("w2");
        await s.ReopenAsync();
        await run.FencedAsync(run.Batch(Scene.Fact()) with { Lease = new Lease(run.Id, 1, "w1") });
    }

    private static async Task Reopen_Attempts_AreCountedOn(Scene s)
    {
        Subject run = await s.StartedAsync();
        for (int attempt = 1; attempt <= 3; attempt++)
        {
            Expect.Equal(attempt, (await run.ClaimAsync()).Attempt);
            await s.ReopenAsync();
            await s.AdvanceAsync(Scene.LeaseTime);
        }
    }

    private static async Task Reopen_Signals_AreStillPendingAndKnown(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        await s.SignalAsync(run.Id, "s2");
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"] });
        await s.ReopenAsync();
        Expect.Sequence(["s2"], await s.InboxAsync(run.Id));
        Expect.Equal(SignalResult.Duplicate, await s.SignalAsync(run.Id, "s1"));
        Expect.Equal(SignalResult.Duplicate, await s.SignalAsync(run.Id, "s2"));
        Expect.Equal(SignalResult.Accepted, await s.SignalAsync(run.Id, "s3"));
        Expect.Sequence(["s2", "s3"], await s.InboxAsync(run.Id));
    }

    private static async Task Reopen_Key_StillFindsTheRun(Scene s)
    {
        Subject run = await s.StartedAsync(key: "order-1");
        await s.ReopenAsync();
        Expect.Equal(new StartResult(run.Id, Created: false), await s.Store.StartAsync(s.Start(key: "order-1"), s.Token));
    }

    private static async Task Reopen_Budgets_AreStillThere(Scene s)
    {
        Subject run = await s.ClaimedAsync(session: "42", ceilings: new BudgetCeilings { Usd = 1 });
        await s.SetCeilingsAsync(BudgetScope.ForAgent("support"), new BudgetCeilings { Tokens = 1_000 });
        await run.CommitAsync(run.Effect(new BudgetAmount(1, 2, 3, 0.4m)));
        await run.SpendAsync(new BudgetAmount(0, 0, 7, 0.1000001m));
        IReadOnlyList<BudgetInfo> before = await s.Store.BudgetsAsync(cancellationToken: s.Token);
        await s.ReopenAsync();
        Expect.Sequence(before, await s.Store.BudgetsAsync(cancellationToken: s.Token));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Usd: 0.5m))));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Tokens: 991))));
        await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 990)));
    }

    private static async Task Reopen_Switches_StillHold(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.EngageAsync("tenant:acme");
        await s.ReopenAsync();
        Expect.Sequence([new KillSwitch("tenant:acme", "olga", "drill", s.Now)], await s.Store.SwitchesAsync(s.Token));
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect()));
    }

    private static async Task Reopen_BlobsAndSnapshots_AreStillThere(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Blob blob = Blob.Of(new byte[200_000]);
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Blobs = [blob], Snapshot = new RunSnapshot(2, 1, new byte[] { 5 }) });
        await s.ReopenAsync();
        ReadOnlyMemory<byte>? content = await s.Store.GetAsync(blob.Hash, s.Token);
        Expect.True(content.HasValue);
        Expect.Bytes(blob.Content, content.GetValueOrDefault());
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.Bytes(new byte[] { 5 }, Expect.NotNull((await run.ClaimAsync()).Snapshot).Data);
    }

    private static async Task Reopen_ParkedAndEndedRuns_StayAsTheyWere(Scene s)
    {
        Subject parked = await s.ClaimedAsync();
        await parked.CommitAsync(parked.Parked(s.Now + TimeSpan.FromHours(1)));
        Subject ended = await s.ClaimedAsync();
        await ended.CommitAsync(ended.Ended());
        await s.ReopenAsync();
        Expect.Equal(null, await s.ClaimAsync());
        Expect.Equal(SignalResult.RunEnded, await s.SignalAsync(ended.Id));
        await s.AdvanceAsync(TimeSpan.FromHours(1));
        Expect.Equal(parked.Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
        Expect.Equal(null, await s.ClaimAsync());
    }

    private static async Task Reopen_SmallerInlineLimit_StillReadsEverything(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Scene.Fact(new string('a', 1_000)), Scene.Fact(new string('b', 60_000)));
        await s.ReopenAsync(new StoreLimits { InlinePayload = 256 });
        await run.CommitAsync(Scene.Fact(new string('c', 1_000)));
        Expect.Sequence([1_000, 60_000, 1_000], (await s.ReadAsync(run.Id, 1)).Select(e => Scene.Text(e).Length));
    }
}
