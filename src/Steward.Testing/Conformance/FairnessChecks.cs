using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Which runs a claim takes when there are more than it may take.</summary>
internal static class FairnessChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Claim_Many_TakesAtMostThatMany),
        ConformanceCheck.Of(Claim_Many_LeasesEachOnItsOwn),
        ConformanceCheck.Of(Claim_ManyByManyWorkers_EachRunOnce),
        ConformanceCheck.Of(Claim_NonsenseRequest_IsRefused),
        ConformanceCheck.Of(Claim_LongQueueOfOneTenant_OthersTakeTurns),
        ConformanceCheck.Of(Claim_TenantWithRunsAtWork_ComesAfterOneWithout),
        ConformanceCheck.Of(Claim_QueueLongerThanTheWindow_AnotherTenantIsStillFound),
        ConformanceCheck.Of(Claim_VersionNotLoaded_IsLeftToOthersForAWhile),
        ConformanceCheck.Of(Claim_VersionLoaded_ComesAtOnce),
    ];

    private static async Task Claim_Many_TakesAtMostThatMany(Scene s)
    {
        for (int i = 0; i < 5; i++)
            await s.StartedAsync();
        Expect.Equal(3, (await s.ClaimManyAsync(3)).Count);
        Expect.Equal(2, (await s.ClaimManyAsync(3)).Count);
        Expect.Equal(0, (await s.ClaimManyAsync(3)).Count);
    }

    private static async Task Claim_Many_LeasesEachOnItsOwn(Scene s)
    {
        Subject[] runs = [await s.StartedAsync(), await s.StartedAsync(), await s.StartedAsync()];
        IReadOnlyList<Claim> claims = await s.ClaimManyAsync(8);
        Expect.Sequence(runs.Select(r => new Lease(r.Id, 1, "w1")), claims.Select(c => c.Lease));
        foreach (Claim claim in claims)
            Expect.Equal(claim.Info, await s.InfoAsync(claim.Lease.Run));
    }

    private static async Task Claim_ManyByManyWorkers_EachRunOnce(Scene s)
    {
        for (int i = 0; i < 60; i++)
            await s.StartedAsync($"t{i % 5}");
        RunId[][] claimed = await Scene.AtOnceAsync(8, async w =>
        {
            List<RunId> mine = [];
            for (int misses = 0; misses < 3;)
            {
                IReadOnlyList<Claim> claims = await s.ClaimManyAsync(4, $"w{w}");
                mine.AddRange(claims.Select(c => c.Lease.Run));
                misses += claims.Count == 0 ? 1 : 0;
            }

            return mine.ToArray();
        });
        Expect.Equal(60, claimed.Sum(c => c.Length), "runs that were claimed");
        Expect.Equal(60, claimed.SelectMany(c => c).Distinct().Count(), "different runs that were claimed");
    }

    private static async Task Claim_NonsenseRequest_IsRefused(Scene s)
    {
        foreach (ClaimRequest bad in new ClaimRequest[]
        {
            new() { Worker = "", Duration = Scene.LeaseTime },
            new() { Worker = "w1", Duration = TimeSpan.Zero },
            new() { Worker = "w1", Duration = Scene.LeaseTime, Max = 0 },
            new() { Worker = "w1", Duration = Scene.LeaseTime, VersionPatience = TimeSpan.FromSeconds(-1) },
        })
            await Expect.ThrowsAsync<ArgumentException>(async () => await s.Store.ClaimAsync(bad, s.Token));
    }

    private static async Task Claim_LongQueueOfOneTenant_OthersTakeTurns(Scene s)
    {
        for (int i = 0; i < 20; i++)
            await s.StartedAsync("crowd");
        await s.AdvanceAsync(TimeSpan.FromSeconds(1));
        await s.StartedAsync("late");
        await s.StartedAsync("late");
        await s.StartedAsync("later");
        string[] tenants = [.. (await s.ClaimManyAsync(5)).Select(c => c.Info.Tenant)];
        Expect.Sequence(["crowd", "crowd", "late", "late", "later"], tenants.Order(StringComparer.Ordinal));
    }

    private static async Task Claim_TenantWithRunsAtWork_ComesAfterOneWithout(Scene s)
    {
        for (int i = 0; i < 6; i++)
            await s.StartedAsync("crowd");
        await s.ClaimManyAsync(4);
        await s.AdvanceAsync(TimeSpan.FromSeconds(1));
        Subject late = await s.StartedAsync("late");
        Expect.Equal(late.Id, Expect.NotNull(await s.ClaimAsync(worker: "w2")).Lease.Run);
        Expect.Equal("crowd", Expect.NotNull(await s.ClaimAsync(worker: "w2")).Info.Tenant);
    }

    private static async Task Claim_QueueLongerThanTheWindow_AnotherTenantIsStillFound(Scene s)
    {
        for (int i = 0; i < FairShare.Window + 8; i++)
            await s.StartedAsync("crowd");
        await s.AdvanceAsync(TimeSpan.FromSeconds(1));
        Subject before = await s.StartedAsync("a-tenant-before");
        Subject after = await s.StartedAsync("the-tenant-after");
        RunId[] claimed = [.. (await s.ClaimManyAsync(3)).Select(c => c.Lease.Run)];
        Expect.True(claimed.Contains(before.Id) && claimed.Contains(after.Id), "both late tenants' runs are among the first three claims");
    }

    private static async Task Claim_VersionNotLoaded_IsLeftToOthersForAWhile(Scene s)
    {
        Subject run = await s.StartedAsync();
        ClaimRequest request = Scene.Request() with
        {
            Agents = ["support"],
            Versions = [new("support", "2"), new("other", "1")],
            VersionPatience = TimeSpan.FromSeconds(20),
        };
        Expect.Equal(null, await s.Store.ClaimOneAsync(request, s.Token));
        Expect.Equal(null, await s.Store.ClaimOneAsync(request with { Run = run.Id }, s.Token));
        await s.AdvanceAsync(TimeSpan.FromSeconds(20));
        Expect.NotNull(await s.Store.ClaimOneAsync(request, s.Token));
    }

    private static async Task Claim_VersionLoaded_ComesAtOnce(Scene s)
    {
        Subject run = await s.StartedAsync();
        ClaimRequest request = Scene.Request() with { Versions = [new("support", "2"), new("support", "1")] };
        Expect.Equal(run.Id, Expect.NotNull(await s.Store.ClaimOneAsync(request, s.Token)).Lease.Run);
    }
}
