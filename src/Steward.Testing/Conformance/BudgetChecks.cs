using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class BudgetChecks
{
    private const string Session = "42";

    private static readonly (string Name, Func<Scene, Subject, BudgetScope> Counts)[] s_scopes =
    [
        ("Run", (_, run) => BudgetScope.ForRun(run.Id)),
        ("Session", (_, _) => BudgetScope.ForSession("acme", Session)),
        ("Tenant", (_, _) => BudgetScope.ForTenant("acme")),
        ("AgentDay", (s, _) => BudgetScope.ForAgentDay("support", s.Today)),
        ("Global", (_, _) => BudgetScope.Global),
    ];

    private static readonly (BudgetMetric Metric, BudgetCeilings Ceilings, Func<int, BudgetAmount> Amount)[] s_metrics =
    [
        (BudgetMetric.ModelCalls, new BudgetCeilings { ModelCalls = 10 }, n => new BudgetAmount(ModelCalls: n)),
        (BudgetMetric.ToolCalls, new BudgetCeilings { ToolCalls = 10 }, n => new BudgetAmount(ToolCalls: n)),
        (BudgetMetric.Tokens, new BudgetCeilings { Tokens = 10 }, n => new BudgetAmount(Tokens: n)),
        (BudgetMetric.Usd, new BudgetCeilings { Usd = 10 }, n => new BudgetAmount(Usd: n)),
    ];

    public static IEnumerable<ConformanceCheck> All =>
    [
        .. from scope in s_scopes
           from metric in s_metrics
           select ConformanceCheck.Of(
               $"Budget_{scope.Name}{metric.Metric}_HoldsItsCeiling",
               s => HoldsAsync(s, scope.Counts, metric.Metric, metric.Ceilings, metric.Amount)),
        .. s_scopes.Select(scope => ConformanceCheck.Of($"Budget_{scope.Name}_CountsReservedAndSpent", s => CountsAsync(s, scope.Counts))),
        .. s_scopes.Select(scope => ConformanceCheck.Of($"Budget_{scope.Name}_AlertsOncePerCrossing", s => AlertsAsync(s, scope.Counts))),
        ConformanceCheck.Of(Budget_Run_ShowsInItsRow),
        ConformanceCheck.Of(Budget_ExactFit_IsTaken),
        ConformanceCheck.Of(Budget_Refused_LeavesNothingBehind),
        ConformanceCheck.Of(Budget_Released_MakesRoom),
        ConformanceCheck.Of(Budget_SettledAndReservedInOneBatch_CountsTheRoom),
        ConformanceCheck.Of(Budget_ReservedBeforeSettledInOneBatch_CountsTheRoom),
        ConformanceCheck.Of(Budget_TwoReservationsInOneBatch_AreHeldTogether),
        ConformanceCheck.Of(Budget_Settlement_IsNeverRefused),
        ConformanceCheck.Of(Budget_OtherMetricOverspent_RefusesOnlyWhatAsksForIt),
        ConformanceCheck.Of(Budget_NoCeiling_TakesAnything),
        ConformanceCheck.Of(Budget_SmallAmounts_AddUpExactly),
        ConformanceCheck.Of(Budget_TightestScope_Refuses),
        ConformanceCheck.Of(Budget_SameSessionNameOfTwoTenants_AreApart),
        ConformanceCheck.Of(Budget_NoSession_DrawsOnNone),
        ConformanceCheck.Of(Budget_AgentDay_StartsAnewEachDay),
        ConformanceCheck.Of(Budget_AgentDay_SettlesOnTheDayOfTheReservation),
        ConformanceCheck.Of(Budget_SettledYesterdayReservedToday_CountsBoth),
        ConformanceCheck.Of(Budget_CeilingsChanged_HoldAtOnce),
        ConformanceCheck.Of(Budget_AgentCeilingsChanged_HoldForTheRunningDay),
        ConformanceCheck.Of(Budget_CeilingsOfOneDay_AreRefused),
        ConformanceCheck.Of(Budget_ParallelRuns_NeverBreakTheSharedCeiling),
        ConformanceCheck.Of(Budget_ParallelSettlements_LoseNothing),
        ConformanceCheck.Of(Budget_NoCeiling_RaisesNoAlert),
        ConformanceCheck.Of(Budget_Fenced_ComesBeforeOverBudget),
        ConformanceCheck.Of(Budget_Killed_ComesBeforeOverBudget),
        ConformanceCheck.Of(Budgets_Prefix_ListsInOrderUpToTheLimit),
    ];

    private static async Task<Subject> RunAsync(Scene s, Func<Scene, Subject, BudgetScope> counts, BudgetCeilings ceilings)
    {
        Subject run = await s.ClaimedAsync(session: Session);
        await s.SetCeilingsAsync(counts(s, run).CeilingScope, ceilings);
        return run;
    }

    private static async Task HoldsAsync(
        Scene s,
        Func<Scene, Subject, BudgetScope> counts,
        BudgetMetric metric,
        BudgetCeilings ceilings,
        Func<int, BudgetAmount> amount)
    {
        Subject run = await RunAsync(s, counts, ceilings);
        await run.SpendAsync(amount(3));
        await run.CommitAsync(run.Effect(amount(5)));
        var refused = Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(amount(4))));
        Expect.Equal(new BudgetShortfall(counts(s, run), metric, 10, 3, 5, 4), refused.Shortfall);
        Expect.Equal(2m, refused.Shortfall.Left);
        Expect.Equal(7m, refused.Shortfall.LeftAtBest);
        await run.UnchangedAsync();
        await run.CommitAsync(run.Effect(amount(2)));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(amount(1))));
    }

    private static async Task CountsAsync(Scene s, Func<Scene, Subject, BudgetScope> counts)
    {
        var ceilings = new BudgetCeilings { ModelCalls = 100, ToolCalls = 200, Tokens = 1_000_000, Usd = 12.5m };
        Subject run = await RunAsync(s, counts, ceilings);
        var reserved = new BudgetAmount(1, 2, 3_000, 0.75m);
        var spent = new BudgetAmount(1, 1, 1_234, 0.123456m);
        await run.CommitAsync(run.Effect(reserved));
        Expect.Equal(new BudgetInfo(counts(s, run), ceilings, BudgetAmount.Zero, reserved), await s.BudgetAsync(counts(s, run)));
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Budget = [run.Settle(reserved, spent)] });
        Expect.Equal(new BudgetInfo(counts(s, run), ceilings, spent, BudgetAmount.Zero), await s.BudgetAsync(counts(s, run)));
    }

    private static async Task AlertsAsync(Scene s, Func<Scene, Subject, BudgetScope> counts)
    {
        Subject run = await RunAsync(s, counts, new BudgetCeilings { Tokens = 100 });
        Expect.Sequence([], (await run.SpendAsync(new BudgetAmount(Tokens: 79))).Alerts);
        AppendResult.Committed crossed = await run.SpendAsync(new BudgetAmount(Tokens: 2));
        Expect.Sequence([new BudgetAlert(counts(s, run), BudgetMetric.Tokens, Gate.AlertThreshold, 81, 100)], crossed.Alerts);
        Expect.Sequence([], (await run.SpendAsync(new BudgetAmount(Tokens: 5))).Alerts);
        Expect.Sequence([], (await run.CommitAsync(Scene.Fact())).Alerts);
    }

    private static async Task Budget_Run_ShowsInItsRow(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Effect(new BudgetAmount(1, 0, 500, 0.02m)));
        await run.SpendAsync(new BudgetAmount(0, 1, 0, 0.000001m));
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(new BudgetAmount(1, 0, 500, 0.02m), info.Reserved);
        Expect.Equal(new BudgetAmount(0, 1, 0, 0.000001m), info.Spent);
    }

    private static async Task Budget_ExactFit_IsTaken(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Usd = 0.3m });
        await run.SpendAsync(new BudgetAmount(Usd: 0.1m));
        await run.CommitAsync(run.Effect(new BudgetAmount(Usd: 0.2m)));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Usd: 0.000001m))));
    }

    private static async Task Budget_Refused_LeavesNothingBehind(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Usd = 1 });
        Blob blob = Blob.Of(new byte[] { 9, 9, 9 });
        RunBatch batch = run.Effect(new BudgetAmount(Usd: 2)) with
        {
            Blobs = [blob],
            Snapshot = new RunSnapshot(1, 1, new byte[1]),
            Status = RunStatus.Awaiting,
            Reason = "refused",
            Release = new RunRelease(null),
        };
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(batch));
        await run.UnchangedAsync();
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(RunStatus.Planning, info.Status);
        Expect.Equal("started", info.Reason);
        Expect.Equal("w1", info.Worker);
        Expect.Equal(BudgetAmount.Zero, info.Reserved);
        foreach (BudgetScope scope in new[]
        {
            BudgetScope.Global,
            BudgetScope.ForTenant("acme"),
            BudgetScope.ForAgentDay("support", s.Today),
        })
            Expect.Equal(BudgetAmount.Zero, (await s.BudgetAsync(scope)).Reserved, $"what '{scope}' has reserved");
    }

    private static async Task Budget_Released_MakesRoom(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Tokens = 100 });
        await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 100)));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Tokens: 1))));
        await run.CommitAsync(
            run.Batch(Scene.Fact()) with { Budget = [run.Settle(new BudgetAmount(Tokens: 100), new BudgetAmount(Tokens: 40))] });
        await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 60)));
    }

    private static async Task Budget_SettledAndReservedInOneBatch_CountsTheRoom(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Tokens = 100 });
        await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 100)));
        var change = new BudgetChange(s.Today, new BudgetAmount(Tokens: 30), new BudgetAmount(Tokens: 100), new BudgetAmount(Tokens: 70));
        await run.CommitAsync(run.Effect() with { Budget = [change] });
        var tooMuch = new BudgetChange(s.Today, new BudgetAmount(Tokens: 10), new BudgetAmount(Tokens: 70), new BudgetAmount(Tokens: 61));
        var refused = Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect() with { Budget = [tooMuch] }));
        Expect.Equal(new BudgetShortfall(BudgetScope.ForRun(run.Id), BudgetMetric.Tokens, 100, 40, 0, 61), refused.Shortfall);
        Expect.Equal(new BudgetAmount(Tokens: 30), (await s.InfoAsync(run.Id)).Spent);
    }

    private static async Task Budget_ReservedBeforeSettledInOneBatch_CountsTheRoom(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Tokens = 100 });
        var all = new BudgetAmount(Tokens: 100);
        await run.CommitAsync(run.Effect(all));
        await run.CommitAsync(run.Effect() with { Budget = [run.Reserve(all), run.Settle(all, BudgetAmount.Zero)] });
        Expect.Equal(all, (await s.InfoAsync(run.Id)).Reserved);
    }

    private static async Task Budget_TwoReservationsInOneBatch_AreHeldTogether(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { ToolCalls = 3 });
        var two = new BudgetAmount(ToolCalls: 2);
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect() with { Budget = [run.Reserve(two), run.Reserve(two)] }));
        BudgetChange yesterday = run.Reserve(two) with { Day = s.Today.AddDays(-1) };
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect() with { Budget = [run.Reserve(two), yesterday] }));
        Expect.Equal(BudgetAmount.Zero, (await s.InfoAsync(run.Id)).Reserved);
    }

    private static async Task Budget_Settlement_IsNeverRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync(session: Session, ceilings: new BudgetCeilings { Usd = 1 });
        foreach (BudgetScope scope in new[]
        {
            BudgetScope.ForSession("acme", Session),
            BudgetScope.ForTenant("acme"),
            BudgetScope.ForAgent("support"),
            BudgetScope.Global,
        })
            await s.SetCeilingsAsync(scope, new BudgetCeilings { Usd = 1 });
        await run.CommitAsync(run.Effect(new BudgetAmount(Usd: 1)));
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Budget = [run.Settle(new BudgetAmount(Usd: 1), new BudgetAmount(Usd: 3))] });
        Expect.Equal(new BudgetAmount(Usd: 3), (await s.BudgetAsync(BudgetScope.Global)).Spent);
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Usd: 0.01m))));
    }

    private static async Task Budget_OtherMetricOverspent_RefusesOnlyWhatAsksForIt(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Usd = 1 });
        await run.SpendAsync(new BudgetAmount(Usd: 2));
        await run.CommitAsync(run.Effect(new BudgetAmount(ToolCalls: 1)));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(ToolCalls: 1, Usd: 0.1m))));
    }

    private static async Task Budget_NoCeiling_TakesAnything(Scene s)
    {
        Subject run = await s.ClaimedAsync(session: Session);
        await run.CommitAsync(run.Effect(new BudgetAmount(1_000_000, 1_000_000, 1_000_000_000_000, 1_000_000_000m)));
    }

    private static async Task Budget_SmallAmounts_AddUpExactly(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        for (int i = 0; i < 10; i++)
            await run.SpendAsync(new BudgetAmount(Usd: 0.0000001m));
        await run.SpendAsync(new BudgetAmount(Usd: 123_456.1m));
        Expect.Equal(123_456.100001m, (await s.InfoAsync(run.Id)).Spent.Usd);
        Expect.Equal(123_456.100001m, (await s.BudgetAsync(BudgetScope.Global)).Spent.Usd);
    }

    private static async Task Budget_TightestScope_Refuses(Scene s)
    {
        Subject run = await s.ClaimedAsync(session: Session, ceilings: new BudgetCeilings { Tokens = 100 });
        await s.SetCeilingsAsync(BudgetScope.ForTenant("acme"), new BudgetCeilings { Tokens = 50 });
        await s.SetCeilingsAsync(BudgetScope.Global, new BudgetCeilings { Tokens = 80 });
        var refused = Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Tokens: 60))));
        Expect.Equal(BudgetScope.ForTenant("acme"), refused.Shortfall.Scope);
    }

    private static async Task Budget_SameSessionNameOfTwoTenants_AreApart(Scene s)
    {
        Subject acme = await s.ClaimedAsync("acme", session: Session);
        Subject globex = await s.ClaimedAsync("globex", session: Session);
        await s.SetCeilingsAsync(BudgetScope.ForSession("acme", Session), new BudgetCeilings { Tokens = 10 });
        await globex.CommitAsync(globex.Effect(new BudgetAmount(Tokens: 500)));
        await acme.CommitAsync(acme.Effect(new BudgetAmount(Tokens: 10)));
        Expect.Equal(500L, (await s.BudgetAsync(BudgetScope.ForSession("globex", Session))).Reserved.Tokens);
    }

    private static async Task Budget_NoSession_DrawsOnNone(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.SpendAsync(new BudgetAmount(Tokens: 5));
        Expect.Equal(0, (await s.Store.BudgetsAsync("session:", cancellationToken: s.Token)).Count);
    }

    private static async Task Budget_AgentDay_StartsAnewEachDay(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SetCeilingsAsync(BudgetScope.ForAgent("support"), new BudgetCeilings { ModelCalls = 1 });
        await run.CommitAsync(run.Effect(new BudgetAmount(ModelCalls: 1)));
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(ModelCalls: 1))));
        await s.AdvanceAsync(TimeSpan.FromDays(1));
        await run.CommitAsync(run.Effect(new BudgetAmount(ModelCalls: 1)));
        var refused = Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(ModelCalls: 1))));
        Expect.Equal(BudgetScope.ForAgentDay("support", s.Today), refused.Shortfall.Scope);
    }

    private static async Task Budget_AgentDay_SettlesOnTheDayOfTheReservation(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        DateOnly yesterday = s.Today;
        await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 9)));
        await s.AdvanceAsync(TimeSpan.FromDays(1));
        BudgetChange settled = run.Settle(new BudgetAmount(Tokens: 9), new BudgetAmount(Tokens: 4)) with { Day = yesterday };
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Budget = [settled] });
        BudgetInfo before = await s.BudgetAsync(BudgetScope.ForAgentDay("support", yesterday));
        Expect.Equal(new BudgetAmount(Tokens: 4), before.Spent);
        Expect.Equal(BudgetAmount.Zero, before.Reserved);
        Expect.Equal(BudgetAmount.Zero, (await s.BudgetAsync(BudgetScope.ForAgentDay("support", s.Today))).Spent);
    }

    private static async Task Budget_SettledYesterdayReservedToday_CountsBoth(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Tokens = 10 });
        await s.SetCeilingsAsync(BudgetScope.ForAgent("support"), new BudgetCeilings { Tokens = 10 });
        DateOnly yesterday = s.Today;
        var all = new BudgetAmount(Tokens: 10);
        await run.CommitAsync(run.Effect(all));
        await s.AdvanceAsync(TimeSpan.FromDays(1));
        BudgetChange settled = run.Settle(all, new BudgetAmount(Tokens: 2)) with { Day = yesterday };
        await run.CommitAsync(run.Effect() with { Budget = [settled, run.Reserve(new BudgetAmount(Tokens: 8))] });
        Expect.Equal(8L, (await s.BudgetAsync(BudgetScope.ForAgentDay("support", s.Today))).Reserved.Tokens);
        Expect.Equal(2L, (await s.BudgetAsync(BudgetScope.ForAgentDay("support", yesterday))).Spent.Tokens);
        BudgetInfo own = await s.BudgetAsync(BudgetScope.ForRun(run.Id));
        Expect.Equal(2L, own.Spent.Tokens);
        Expect.Equal(8L, own.Reserved.Tokens);
    }

    private static async Task Budget_CeilingsChanged_HoldAtOnce(Scene s)
    {
        foreach ((string _, Func<Scene, Subject, BudgetScope> counts) in s_scopes)
        {
            Subject run = await RunAsync(s, counts, new BudgetCeilings { Tokens = 1_000_000 });
            BudgetScope scope = counts(s, run).CeilingScope;
            await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 50)));
            await s.SetCeilingsAsync(scope, new BudgetCeilings { Tokens = 10 });
            Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Tokens: 1))));
            await s.SetCeilingsAsync(scope, new BudgetCeilings { Usd = 5 });
            await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 1_000)));
            await s.SetCeilingsAsync(scope, BudgetCeilings.None);
            Expect.Equal(BudgetCeilings.None, (await s.BudgetAsync(counts(s, run))).Ceilings);
        }
    }

    private static async Task Budget_AgentCeilingsChanged_HoldForTheRunningDay(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Effect(new BudgetAmount(Tokens: 50)));
        await s.SetCeilingsAsync(BudgetScope.ForAgent("support"), new BudgetCeilings { Tokens = 60 });
        Expect.Is<AppendResult.OverBudget>(await run.AppendAsync(run.Effect(new BudgetAmount(Tokens: 11))));
        Expect.Equal(new BudgetCeilings { Tokens = 60 }, (await s.BudgetAsync(BudgetScope.ForAgentDay("support", s.Today))).Ceilings);
        Expect.Equal(new BudgetCeilings { Tokens = 60 }, (await s.BudgetAsync(BudgetScope.ForAgent("support"))).Ceilings);
        Subject other = await s.ClaimedAsync(agent: "support-2");
        await other.CommitAsync(other.Effect(new BudgetAmount(Tokens: 1_000)));
    }

    private static async Task Budget_CeilingsOfOneDay_AreRefused(Scene s) =>
        await Expect.ThrowsAsync<ArgumentException>(
            () => s.SetCeilingsAsync(BudgetScope.ForAgentDay("support", s.Today), new BudgetCeilings { Tokens = 1 }));

    private static async Task Budget_ParallelRuns_NeverBreakTheSharedCeiling(Scene s)
    {
        await s.SetCeilingsAsync(BudgetScope.ForTenant("acme"), new BudgetCeilings { Usd = 2 });
        var runs = new Subject[64];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = await s.ClaimedAsync();
        AppendResult[] results = await Scene.AtOnceAsync(
            runs.Length, i => runs[i].AppendAsync(runs[i].Effect(new BudgetAmount(ModelCalls: 1, Usd: 0.1m))));
        Expect.Equal(20, results.Count(r => r is AppendResult.Committed), "reservations of 0.10 that fit under 2.00");
        Expect.Equal(44, results.Count(r => r is AppendResult.OverBudget), "reservations that were refused");
        BudgetInfo budget = await s.BudgetAsync(BudgetScope.ForTenant("acme"));
        Expect.Equal(2.0m, budget.Spent.Usd + budget.Reserved.Usd);
        Expect.Equal(20L, budget.Reserved.ModelCalls);
    }

    private static async Task Budget_ParallelSettlements_LoseNothing(Scene s)
    {
        var runs = new Subject[16];
        for (int i = 0; i < runs.Length; i++)
            runs[i] = await s.ClaimedAsync();
        await Scene.AtOnceAsync(runs.Length, async i =>
        {
            for (int n = 0; n < 5; n++)
                await runs[i].SpendAsync(new BudgetAmount(1, 0, 10, 0.01m));
            return i;
        });
        Expect.Equal(new BudgetAmount(80, 0, 800, 0.8m), (await s.BudgetAsync(BudgetScope.Global)).Spent);
    }

    private static async Task Budget_NoCeiling_RaisesNoAlert(Scene s)
    {
        Subject run = await s.ClaimedAsync(session: Session);
        Expect.Sequence([], (await run.SpendAsync(new BudgetAmount(1_000, 1_000, 1_000, 1_000))).Alerts);
    }

    private static async Task Budget_Fenced_ComesBeforeOverBudget(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Usd = 1 });
        await run.FencedAsync(run.Effect(new BudgetAmount(Usd: 9)) with { Lease = run.Lease with { Epoch = 5 } });
    }

    private static async Task Budget_Killed_ComesBeforeOverBudget(Scene s)
    {
        Subject run = await s.ClaimedAsync(ceilings: new BudgetCeilings { Usd = 1 });
        await s.EngageAsync("global");
        Expect.Is<AppendResult.Killed>(await run.AppendAsync(run.Effect(new BudgetAmount(Usd: 9))));
    }

    private static async Task Budgets_Prefix_ListsInOrderUpToTheLimit(Scene s)
    {
        foreach (string tenant in new[] { "c", "a", "b", "B" })
            await s.SetCeilingsAsync(BudgetScope.ForTenant(tenant), new BudgetCeilings { Tokens = tenant[0] });
        await s.SetCeilingsAsync(BudgetScope.Global, new BudgetCeilings { Tokens = 1 });
        Expect.Sequence(["tenant:B", "tenant:a", "tenant:b", "tenant:c"], await KeysAsync("tenant:", 100));
        Expect.Sequence(["tenant:B", "tenant:a"], await KeysAsync("tenant:", 2));
        Expect.Sequence(["global", "tenant:B", "tenant:a", "tenant:b", "tenant:c"], await KeysAsync("", 100));
        Expect.Sequence([], await KeysAsync("tenant:%", 100));
        Expect.Sequence([], await KeysAsync("tenant_", 100));
        Expect.Equal(new BudgetCeilings { Tokens = 'a' }, (await s.BudgetAsync(BudgetScope.ForTenant("a"))).Ceilings);

        async Task<string[]> KeysAsync(string prefix, int limit) =>
            [.. (await s.Store.BudgetsAsync(prefix, limit, s.Token)).Select(b => b.Scope.Key)];
    }
}
