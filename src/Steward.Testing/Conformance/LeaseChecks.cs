using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class LeaseChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Claim_NewRun_IsEpochOne),
        ConformanceCheck.Of(Claim_NothingThere_IsNull),
        ConformanceCheck.Of(Claim_LeasedRun_IsNull),
        ConformanceCheck.Of(Claim_ExpiredLease_IsTheNextEpoch),
        ConformanceCheck.Of(Claim_SameWorkerAgain_IsTheNextEpoch),
        ConformanceCheck.Of(Claim_ManyAtOnce_OneWins),
        ConformanceCheck.Of(Claim_ManyWorkersManyRuns_EachRunOnce),
        ConformanceCheck.Of(Claim_ByRun_TakesThatOne),
        ConformanceCheck.Of(Claim_ByAgents_TakesOnlyTheirs),
        ConformanceCheck.Of(Claim_Order_IsByWhenClaimable),
        ConformanceCheck.Of(Claim_Again_CountsAttempts),
        ConformanceCheck.Of(Claim_AfterProgress_CountsAnew),
        ConformanceCheck.Of(Claim_AfterRelease_CountsAnew),
        ConformanceCheck.Of(Claim_Journal_IsTheWholeOneWhereItComesAlong),
        ConformanceCheck.Of(Claim_SignalsPending_IsFalseOnlyWhereThereAreNone),
        ConformanceCheck.Of(Release_WakeAt_IsClaimableThen),
        ConformanceCheck.Of(Release_NoWakeAt_StaysParked),
        ConformanceCheck.Of(Release_Row_HasNoWorker),
        ConformanceCheck.Of(Append_NoRelease_KeepsTheLease),
        ConformanceCheck.Of(Watch_NothingToSee_IsEmpty),
        ConformanceCheck.Of(Watch_Signal_ShowsItToItsWorkerOnly),
        ConformanceCheck.Of(Watch_AfterRelease_IsEmpty),
    ];

    private static async Task Claim_NewRun_IsEpochOne(Scene s)
    {
        Subject run = await s.StartedAsync();
        Claim claim = Expect.NotNull(await s.ClaimAsync());
        Expect.Equal(new Lease(run.Id, 1, "w1"), claim.Lease);
        Expect.Equal(1, claim.Attempt);
        Expect.Equal(run.Id, claim.Info.Run);
        Expect.Equal(1L, claim.Info.Epoch);
        Expect.Equal("w1", claim.Info.Worker);
        Expect.Equal(1L, claim.Info.Sequence);
        Expect.Equal(s.Now + Scene.LeaseTime, claim.Info.ClaimableAt);
        Expect.Equal(claim.Info, await s.InfoAsync(run.Id));
    }

    private static async Task Claim_NothingThere_IsNull(Scene s)
    {
        Expect.Equal(null, await s.ClaimAsync());
        Expect.Equal(null, await s.ClaimAsync(RunId.New(s.Host.Time)));
    }

    private static async Task Claim_LeasedRun_IsNull(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime - TimeSpan.FromMilliseconds(1));
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        Expect.Equal(null, await s.ClaimAsync(run.Id, "w2"));
        Expect.Equal(null, await s.ClaimAsync(run.Id, "w1"));
    }

    private static async Task Claim_ExpiredLease_IsTheNextEpoch(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime);
        Claim claim = Expect.NotNull(await s.ClaimAsync(worker: "w2"));
        Expect.Equal(new Lease(run.Id, 2, "w2"), claim.Lease);
        Expect.Equal("w2", (await s.InfoAsync(run.Id)).Worker);
    }

    private static async Task Claim_SameWorkerAgain_IsTheNextEpoch(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch stale = run.Batch(Scene.Fact("from before"));
        await s.AdvanceAsync(Scene.LeaseTime);
        await run.ClaimAsync("w1");
        await run.FencedAsync(stale);
    }

    private static async Task Claim_ManyAtOnce_OneWins(Scene s)
    {
        Subject run = await s.StartedAsync();
        Claim?[] claims = await Scene.AtOnceAsync(32, i => s.ClaimAsync(worker: $"w{i}"));
        Expect.Equal(1, claims.Count(c => c is not null), "claims that won");
        Expect.Equal(1L, (await s.InfoAsync(run.Id)).Epoch);
    }

    private static async Task Claim_ManyWorkersManyRuns_EachRunOnce(Scene s)
    {
        for (int i = 0; i < 20; i++)
            await s.StartedAsync();
        Claim?[][] claims = await Scene.AtOnceAsync(8, async w =>
        {
            List<Claim?> mine = [];
            while (await s.ClaimAsync(worker: $"w{w}") is { } claim)
                mine.Add(claim);
            return mine.ToArray();
        });
        RunId[] runs = [.. claims.SelectMany(c => c).Select(c => c!.Lease.Run)];
        Expect.Equal(20, runs.Length, "runs that were claimed");
        Expect.Equal(20, runs.Distinct().Count(), "different runs that were claimed");
    }

    private static async Task Claim_ByRun_TakesThatOne(Scene s)
    {
        await s.StartedAsync();
        Subject second = await s.StartedAsync();
        Expect.Equal(second.Id, Expect.NotNull(await s.ClaimAsync(second.Id)).Lease.Run);
    }

    private static async Task Claim_ByAgents_TakesOnlyTheirs(Scene s)
    {
        await s.StartedAsync(agent: "support");
        Subject sales = await s.StartedAsync(agent: "sales");
        Expect.Equal(null, await s.ClaimAsync(agents: ["billing"]));
        Expect.Equal(null, await s.ClaimAsync(sales.Id, agents: ["support"]));
        Expect.Equal(sales.Id, Expect.NotNull(await s.ClaimAsync(agents: ["billing", "sales"])).Lease.Run);
        Expect.Equal(null, await s.ClaimAsync(agents: ["billing", "sales"]));
    }

    private static async Task Claim_Order_IsByWhenClaimable(Scene s)
    {
        Subject[] runs = [await s.ClaimedAsync(), await s.ClaimedAsync(), await s.ClaimedAsync()];
        int[] wakes = [20, 5, 10];
        foreach ((Subject run, int wake) in runs.Zip(wakes))
            await run.CommitAsync(run.Parked(s.Now + TimeSpan.FromSeconds(wake)));
        await s.AdvanceAsync(TimeSpan.FromSeconds(21));
        Expect.Equal(runs[1].Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
        Expect.Equal(runs[2].Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
        Expect.Equal(runs[0].Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
    }

    private static async Task Claim_Again_CountsAttempts(Scene s)
    {
        Subject run = await s.StartedAsync();
        for (int attempt = 1; attempt <= 4; attempt++)
        {
            Expect.Equal(attempt, (await run.ClaimAsync()).Attempt);
            await run.CommitAsync(Scene.Fact("no progress"));
            await s.AdvanceAsync(Scene.LeaseTime);
        }
    }

    private static async Task Claim_AfterProgress_CountsAnew(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Progress = true });
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.Equal(1, (await run.ClaimAsync()).Attempt);
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.Equal(2, (await run.ClaimAsync()).Attempt);
    }

    private static async Task Claim_AfterRelease_CountsAnew(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime);
        await run.ClaimAsync();
        await run.CommitAsync(run.Parked(s.Now));
        Claim claim = await run.ClaimAsync();
        Expect.Equal(1, claim.Attempt);
        Expect.Equal(3L, claim.Lease.Epoch);
    }

    private static async Task Claim_Journal_IsTheWholeOneWhereItComesAlong(Scene s)
    {
        // Of several lengths, and one with a payload that is too large for a row.
        for (int entries = 1; entries <= 8; entries++)
        {
            Subject run = await s.StartedAsync();
            if (entries == 1)
                continue;
            await run.ClaimAsync();
            string large = entries == 3 ? new string('x', 100_000) : "";
            await run.CommitAsync([.. Enumerable.Range(2, entries - 1).Select(i => Scene.Fact($"fact {i} {large}"))]);
            await run.CommitAsync(run.Parked(s.Now));
        }

        IReadOnlyList<Claim> claims = await s.ClaimManyAsync(8, "w2");
        Expect.Equal(8, claims.Count);
        foreach (Claim claim in claims)
        {
            List<JournalEntry> journal = await s.ReadAsync(claim.Lease.Run);
            Expect.Equal(claim.Info.Sequence, journal[^1].Sequence);
            if (claim.Journal is not { } along)
                continue;
            Expect.Sequence(
                journal.Select(e => (e.Sequence, e.Type, e.Time, Text(e.Hash), Text(e.Payload))),
                along.Select(e => (e.Sequence, e.Type, e.Time, Text(e.Hash), Text(e.Payload))));
        }

        static string Text(ReadOnlyMemory<byte> bytes) => Convert.ToHexString(bytes.Span);
    }

    private static async Task Claim_SignalsPending_IsFalseOnlyWhereThereAreNone(Scene s)
    {
        Subject quiet = await s.StartedAsync();
        Subject signalled = await s.StartedAsync();
        await s.SignalAsync(signalled.Id, "s1");
        Subject consumed = await s.ClaimedAsync();
        await s.SignalAsync(consumed.Id, "s2");
        await consumed.CommitAsync(consumed.Batch(Scene.Fact()) with { Consumes = ["s2"], Release = new RunRelease(s.Now) });
        foreach (Claim claim in await s.ClaimManyAsync(3, "w2"))
        {
            string[] inbox = await s.InboxAsync(claim.Lease.Run);
            Expect.Equal(claim.Lease.Run == signalled.Id ? 1 : 0, inbox.Length);
            Expect.True(claim.SignalsPending || inbox.Length == 0, $"the claim of run {claim.Lease.Run} tells of its inbox");
        }

        Expect.Equal(0, (await s.ClaimManyAsync(1, "w2")).Count);
        Expect.Equal(1L, (await s.InfoAsync(quiet.Id)).Epoch);
    }

    private static async Task Release_WakeAt_IsClaimableThen(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked(s.Now + TimeSpan.FromMinutes(5)));
        await s.AdvanceAsync(TimeSpan.FromMinutes(5) - TimeSpan.FromMilliseconds(1));
        Expect.Equal(null, await s.ClaimAsync());
        await s.AdvanceAsync(TimeSpan.FromMilliseconds(1));
        Expect.Equal(2L, Expect.NotNull(await s.ClaimAsync()).Lease.Epoch);
    }

    private static async Task Release_NoWakeAt_StaysParked(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked());
        await s.AdvanceAsync(TimeSpan.FromDays(30));
        Expect.Equal(null, await s.ClaimAsync());
        Expect.Equal(null, await s.ClaimAsync(run.Id));
    }

    private static async Task Release_Row_HasNoWorker(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        DateTimeOffset wakeAt = s.Now + TimeSpan.FromHours(1);
        await run.CommitAsync(run.Parked(wakeAt));
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(null, info.Worker);
        Expect.Equal(wakeAt, info.ClaimableAt);
        Expect.Equal(RunStatus.Awaiting, info.Status);
        Expect.Equal(1L, info.Epoch);
    }

    private static async Task Append_NoRelease_KeepsTheLease(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Status = RunStatus.Awaiting });
        await run.CommitAsync(Scene.Fact());
        Expect.Equal(null, await s.ClaimAsync(worker: "w2"));
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.NotNull(await s.ClaimAsync(worker: "w2"));
    }

    private static async Task Watch_NothingToSee_IsEmpty(Scene s)
    {
        Expect.Sequence([], await s.Store.WatchAsync("w1", s.Token));
        await s.ClaimedAsync();
        Expect.Sequence([], await s.Store.WatchAsync("w1", s.Token));
    }

    private static async Task Watch_Signal_ShowsItToItsWorkerOnly(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        Expect.Sequence([new RunAttention(run.Id, true, null)], await s.Store.WatchAsync("w1", s.Token));
        Expect.Sequence([], await s.Store.WatchAsync("w2", s.Token));
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Consumes = ["s1"] });
        Expect.Sequence([], await s.Store.WatchAsync("w1", s.Token));
    }

    private static async Task Watch_AfterRelease_IsEmpty(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked());
        await s.SignalAsync(run.Id);
        Expect.Sequence([], await s.Store.WatchAsync("w1", s.Token));
        Subject taken = await s.ClaimedAsync();
        await s.SignalAsync(taken.Id);
        await s.AdvanceAsync(Scene.LeaseTime);
        await taken.ClaimAsync("w2");
        Expect.Sequence([], await s.Store.WatchAsync("w1", s.Token));
    }
}
