using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>How many runs workers may hold at once.</summary>
internal static class RunLimitChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(RunsAtOnce_OfATenant_LeavesTheRestInTheQueue),
        ConformanceCheck.Of(RunsAtOnce_OneGivenBack_AnotherIsTaken),
        ConformanceCheck.Of(RunsAtOnce_OfEachTenant_HoldsForEachApart),
        ConformanceCheck.Of(RunsAtOnce_Global_CountsAllTenants),
        ConformanceCheck.Of(RunsAtOnce_Zero_HoldsEverythingBack),
        ConformanceCheck.Of(RunsAtOnce_AskedForByItsId_HoldsToo),
        ConformanceCheck.Of(RunsAtOnce_LeaseExpired_IsTakenOver),
        ConformanceCheck.Of(RunsAtOnce_ManyClaimAtOnce_NeverMore),
    ];

    private static Task LimitAsync(Scene s, LimitScope scope, int? runs) =>
        s.Store.SetLimitsAsync(scope, new Limits { RunsAtOnce = runs }, s.Token).AsTask();

    private static async Task StartAsync(Scene s, int count, string tenant = "acme")
    {
        for (int i = 0; i < count; i++)
            await s.StartedAsync(tenant);
    }

    private static async Task<string> TenantsAsync(Scene s, int max) =>
        string.Join(' ', (await s.ClaimManyAsync(max)).Select(c => c.Info.Tenant).Order(StringComparer.Ordinal));

    private static async Task RunsAtOnce_OfATenant_LeavesTheRestInTheQueue(Scene s)
    {
        await LimitAsync(s, LimitScope.ForTenant("acme"), 2);
        await StartAsync(s, 4);
        await StartAsync(s, 2, "globex");
        Expect.Equal("acme acme globex globex", await TenantsAsync(s, 8));
        Expect.Equal("", await TenantsAsync(s, 8));
        await LimitAsync(s, LimitScope.ForTenant("acme"), null);
        Expect.Equal("acme acme", await TenantsAsync(s, 8));
    }

    private static async Task RunsAtOnce_OneGivenBack_AnotherIsTaken(Scene s)
    {
        await LimitAsync(s, LimitScope.ForTenant("acme"), 1);
        Subject first = await s.ClaimedAsync();
        Subject second = await s.StartedAsync();
        Expect.Equal(null, await s.ClaimAsync());
        await first.CommitAsync(first.Parked());
        Expect.Equal(second.Id, Expect.NotNull(await s.ClaimAsync()).Lease.Run);
        await s.SignalAsync(first.Id);
        Expect.Equal(null, await s.ClaimAsync());
    }

    private static async Task RunsAtOnce_OfEachTenant_HoldsForEachApart(Scene s)
    {
        await LimitAsync(s, LimitScope.EachTenant, 1);
        await LimitAsync(s, LimitScope.ForTenant("globex"), 3);
        await StartAsync(s, 2);
        await StartAsync(s, 4, "globex");
        await StartAsync(s, 2, "hooli");
        Expect.Equal("acme globex globex globex hooli", await TenantsAsync(s, 20));
    }

    private static async Task RunsAtOnce_Global_CountsAllTenants(Scene s)
    {
        await LimitAsync(s, LimitScope.Global, 3);
        await StartAsync(s, 4);
        await StartAsync(s, 4, "globex");
        Expect.Equal(3, (await s.ClaimManyAsync(8)).Count);
        Expect.Equal(0, (await s.ClaimManyAsync(8)).Count);
    }

    private static async Task RunsAtOnce_Zero_HoldsEverythingBack(Scene s)
    {
        await StartAsync(s, 2);
        await LimitAsync(s, LimitScope.Global, 0);
        Expect.Equal(null, await s.ClaimAsync());
        await LimitAsync(s, LimitScope.Global, null);
        Expect.NotNull(await s.ClaimAsync());
    }

    private static async Task RunsAtOnce_AskedForByItsId_HoldsToo(Scene s)
    {
        await LimitAsync(s, LimitScope.EachTenant, 1);
        Subject first = await s.ClaimedAsync();
        Subject second = await s.StartedAsync();
        Expect.Equal(null, await s.ClaimAsync(second.Id));
        await first.CommitAsync(first.Ended());
        await second.ClaimAsync();
    }

    private static async Task RunsAtOnce_LeaseExpired_IsTakenOver(Scene s)
    {
        await LimitAsync(s, LimitScope.ForTenant("acme"), 1);
        await s.ClaimedAsync();
        await s.StartedAsync();
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.Equal(1, (await s.ClaimManyAsync(4, "w2")).Count);
        Expect.Equal(0, (await s.ClaimManyAsync(4, "w2")).Count);
    }

    private static async Task RunsAtOnce_ManyClaimAtOnce_NeverMore(Scene s)
    {
        await LimitAsync(s, LimitScope.ForTenant("acme"), 5);
        await LimitAsync(s, LimitScope.Global, 7);
        await StartAsync(s, 20);
        await StartAsync(s, 20, "globex");
        IReadOnlyList<Claim>[] claims = await Scene.AtOnceAsync(12, i => s.ClaimManyAsync(3, $"w{i}"));
        Expect.Equal(7, claims.Sum(c => c.Count), "runs that were claimed");
        Expect.True(claims.SelectMany(c => c).Count(c => c.Info.Tenant == "acme") <= 5, "at most five of acme's");
    }
}
