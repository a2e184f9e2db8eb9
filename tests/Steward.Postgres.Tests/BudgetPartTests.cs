using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;

namespace Steward.Postgres.Tests;

/// <summary>Budgets that many runs share: in parts while nothing limits them, one row under a ceiling.</summary>
public sealed class BudgetPartTests(ITestOutputHelper output) : IAsyncDisposable
{
    private static readonly BudgetAmount s_step = new(ModelCalls: 1, Tokens: 100, Usd: 0.01m);
    private readonly TestSchema _schema = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static DateOnly Today => DateOnly.FromDateTime(TimeProvider.System.GetUtcNow().UtcDateTime);

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Draw_WithoutACeiling_TouchesNoRowThatAnotherNodeTouches()
    {
        await using PostgresStewardStore one = await _schema.OpenAsync(o => o with { Writers = 1 });
        await using PostgresStewardStore two = await _schema.OpenAsync(o => o with { Writers = 1 });
        foreach (PostgresStewardStore node in (PostgresStewardStore[])[one, two])
            await SpendAsync(await TestRun.ClaimedAsync(node), s_step);

        Assert.Equal(6, await CountAsync("SELECT count(DISTINCT (scope, part)) FROM steward.budget_part"));
        Assert.Equal(2, await CountAsync("SELECT count(DISTINCT part) FROM steward.budget_part WHERE scope = 'global'"));
        Assert.Equal(0, await CountAsync("SELECT count(*) FROM steward.budget WHERE scope NOT LIKE 'run:%'"));
        foreach (string scope in (string[])["global", "tenant:acme", $"agent:support@{Today:yyyy-MM-dd}"])
            Assert.Equal(new BudgetAmount(2, 0, 200, 0.02m), (await BudgetAsync(one, scope)).Spent);
    }

    [Fact]
    public async Task Ceiling_SetAndTakenOff_KeepsWhatWasSpent()
    {
        await using PostgresStewardStore one = await _schema.OpenAsync();
        await using PostgresStewardStore two = await _schema.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(one);
        TestRun other = await TestRun.ClaimedAsync(two);
        await SpendAsync(run, s_step);
        await SpendAsync(other, s_step);

        await two.SetCeilingsAsync(BudgetScope.ForAgent("support"), new BudgetCeilings { Usd = 0.03m }, Token);
        Assert.Equal(0, await CountAsync("SELECT count(*) FROM steward.budget_part WHERE scope LIKE 'agent:%'"));
        await SpendAsync(run, s_step);
        AppendResult refused = await run.AppendAsync(run.Batch() with { StartsEffect = true, Budget = [new(Today, default, default, s_step)] });
        BudgetShortfall shortfall = Assert.IsType<AppendResult.OverBudget>(refused).Shortfall;
        Assert.Equal((BudgetScope.ForAgentDay("support", Today), 0.03m, 0.03m), (shortfall.Scope, shortfall.Ceiling, shortfall.Spent));

        await two.SetCeilingsAsync(BudgetScope.ForAgent("support"), BudgetCeilings.None, Token);
        await SpendAsync(run, s_step);
        await SpendAsync(other, s_step);
        Assert.Equal(0.05m, (await BudgetAsync(one, $"agent:support@{Today:yyyy-MM-dd}")).Spent.Usd);
    }

    [Fact]
    public async Task Upgrade_OfADatabaseWithBudgets_KeepsWhatWasSpent()
    {
        await (await PostgresStewardStore.OpenAsync(_schema.Options, [.. Schema.Migrations.Take(6)], cancellationToken: Token)).DisposeAsync();
        await _schema.ExecuteAsync("INSERT INTO steward.budget (scope, spent_models, reserved_tokens, max_usd) VALUES ('global', 5, 70, NULL), ('tenant:acme', 4, 60, 1)");

        await using PostgresStewardStore store = await _schema.OpenAsync();
        await SpendAsync(await TestRun.ClaimedAsync(store), s_step);

        Assert.Equal((new BudgetAmount(6, 0, 100, 0.01m), new BudgetAmount(0, 0, 70)), ((await BudgetAsync(store, "global")).Spent, (await BudgetAsync(store, "global")).Reserved));
        Assert.Equal(5, (await BudgetAsync(store, "tenant:acme")).Spent.ModelCalls);
        Assert.Equal(0, await CountAsync("SELECT count(*) FROM steward.budget_part WHERE scope = 'tenant:acme'"));
    }

    [Fact]
    public async Task Alert_CrossedWithinAGroup_IsRaisedOnceByWhoCrossesIt()
    {
        const int Runs = 20;
        await using PostgresStewardStore store = await _schema.OpenAsync(o => o with { Writers = 1 });
        await store.SetCeilingsAsync(BudgetScope.Global, new BudgetCeilings { Usd = 0.2m }, Token);
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => TestRun.ClaimedAsync(store)));

        AppendResult[] results = await Task.WhenAll(runs.Select(run => run.AppendAsync(run.Batch() with { Budget = [new(Today, s_step, default, default)] })));

        BudgetAlert alert = Assert.Single(results.SelectMany(r => Assert.IsType<AppendResult.Committed>(r).Alerts));
        Assert.Equal((BudgetScope.Global, BudgetMetric.Usd, 0.16m, 0.2m), (alert.Scope, alert.Metric, alert.Used, alert.Ceiling));
    }

    /// <summary>Two nodes draw and settle while ceilings come and go over what they share.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Ceilings_ComeAndGoUnderLoad_NothingIsLostAndNoneBreaks(int seed)
    {
        const int Runs = 24, Changes = 30;
        await using PostgresStewardStore one = await _schema.OpenAsync();
        await using PostgresStewardStore two = await _schema.OpenAsync();
        await using PostgresStewardStore operators = await _schema.OpenAsync();
        TestRun[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(i => TestRun.ClaimedAsync(i % 2 == 0 ? one : two, $"w{i % 2}", TestRun.Start($"t{i % 2}", $"a{i % 3}"))));
        using var stop = new CancellationTokenSource();
        Task<(int Steps, int Refused)>[] loops = [.. runs.Select(run => Task.Run(() => DrawAsync(run, stop.Token)))];

        BudgetScope[] shared = [BudgetScope.Global, BudgetScope.ForTenant("t0"), BudgetScope.ForTenant("t1"), BudgetScope.ForAgent("a0"), BudgetScope.ForAgent("a1")];
        Random random = new(seed);
        for (int i = 0; i < Changes; i++)
        {
            BudgetScope scope = shared[random.Next(shared.Length)];
            string counted = scope.Key.StartsWith("agent:", StringComparison.Ordinal) ? $"{scope.Key}@{Today:yyyy-MM-dd}" : scope.Key;
            BudgetInfo before = await BudgetAsync(operators, counted);
            decimal ceiling = before.Spent.Usd + before.Reserved.Usd + (random.Next(5, 60) * s_step.Usd);
            await operators.SetCeilingsAsync(scope, new BudgetCeilings { Usd = ceiling }, Token);
            decimal most = Math.Max(ceiling, Used(await BudgetAsync(operators, counted))); // It may have been passed before it was set, never after.
            for (int look = 0; look < 5; look++)
            {
                decimal used = Used(await BudgetAsync(operators, counted));
                Assert.True(used <= most, $"{counted}: {used} is used under a ceiling of {ceiling}.");
                await Task.Delay(random.Next(4), Token);
            }

            await operators.SetCeilingsAsync(scope, BudgetCeilings.None, Token);
        }

        await stop.CancelAsync();
        (int Steps, int Refused)[] ends = await Task.WhenAll(loops);

        Assert.True(ends.Sum(e => e.Refused) > 0, "Some were refused.");
        await AssertSumAsync("global", _ => true);
        foreach (int t in (int[])[0, 1])
            await AssertSumAsync($"tenant:t{t}", i => i % 2 == t);
        foreach (int a in (int[])[0, 1, 2])
            await AssertSumAsync($"agent:a{a}@{Today:yyyy-MM-dd}", i => i % 3 == a);
        output.WriteLine($"Seed {seed}: {ends.Sum(e => e.Steps)} steps, {ends.Sum(e => e.Refused)} refused, {Changes} ceilings set and taken off.");

        async Task AssertSumAsync(string scope, Func<int, bool> counts)
        {
            BudgetInfo budget = await BudgetAsync(one, scope);
            int steps = ends.Where((_, i) => counts(i)).Sum(e => e.Steps);
            Assert.Equal((scope, new BudgetAmount(steps, 0, 100L * steps, steps * s_step.Usd), BudgetAmount.Zero), (scope, budget.Spent, budget.Reserved));
        }
    }

    private static decimal Used(BudgetInfo budget) => budget.Spent.Usd + budget.Reserved.Usd;

    private static async Task<(int Steps, int Refused)> DrawAsync(TestRun run, CancellationToken stop)
    {
        int steps = 0, refused = 0;
        while (!stop.IsCancellationRequested)
        {
            AppendResult reserved = await run.AppendAsync(run.Batch() with { StartsEffect = true, Budget = [new(Today, default, default, s_step)] });
            if (reserved is AppendResult.OverBudget)
            {
                refused++;
                continue;
            }

            Assert.IsType<AppendResult.Committed>(reserved);
            Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch() with { Budget = [new(Today, s_step, s_step, default)] }));
            steps++;
        }

        return (steps, refused);
    }

    private static async Task SpendAsync(TestRun run, BudgetAmount amount) =>
        Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch() with { Budget = [new(Today, amount, default, default)] }));

    private static async Task<BudgetInfo> BudgetAsync(PostgresStewardStore store, string scope) =>
        (await store.BudgetsAsync(scope, cancellationToken: Token)).FirstOrDefault(b => b.Scope.Key == scope) ?? new BudgetInfo(new BudgetScope(scope), BudgetCeilings.None, default, default);

    private async Task<int> CountAsync(string sql) => (int)await _schema.ScalarAsync<long>(sql);
}
