using Steward.Client;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Support;

namespace Steward.Tests.Client;

/// <summary>A kill switch over something that nobody knows is engaged, and says so.</summary>
public sealed class SwitchScopesTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("agent:nots", "No agent 'nots' is known here: none of that name is registered, and it has no run. The switch holds nothing yet. Did you mean 'notes'? There are: notes, tester.")]
    [InlineData("tenant:acne", "No tenant 'acne' is known here: it has no run and no budget. The switch holds nothing yet. Did you mean 'acme'? There are: acme.")]
    [InlineData("run:0198c0de00007000800000000000abcd", "No run '0198c0de00007000800000000000abcd' is known here, so the switch holds nothing.")]
    [InlineData("agent:tester", null)]
    [InlineData("agent:notes", null)]
    [InlineData("tenant:acme", null)]
    [InlineData("tenant:budgeted", null)]
    [InlineData("global", null)]
    public async Task Warning_OfAScope_SaysWhetherAnythingIsKnown(string scope, string? warning)
    {
        var lab = new Lab(FunctionModel.Script(FunctionModel.Says("done")), Harness.Agent().Build());
        await lab.StartAsync(new RunRequest("go") { Tenant = "acme" });
        await lab.Store.SetCeilingsAsync(BudgetScope.Parse("tenant:budgeted"), new BudgetCeilings { Usd = 1 }, Token);

        Assert.Equal(warning, await SwitchScopes.WarningAsync(lab.Store, scope, ["notes"], Token));
    }

    [Fact]
    public async Task Engage_WhatNobodyKnows_IsEngagedWithAWarning()
    {
        await using var harness = new Harness(new InMemoryStewardStore(TimeProvider.System), FunctionModel.Script(FunctionModel.Says("done")), Harness.Agent().Build());
        SwitchOutcome unknown = await harness.Client.EngageAsync(new KillSwitch("agent:testr", "ana", null, TimeProvider.System.GetUtcNow()), Token);
        SwitchOutcome known = await harness.Client.EngageAsync(new KillSwitch("agent:tester", "ana", null, TimeProvider.System.GetUtcNow()), Token);

        Assert.True(unknown.Changed);
        Assert.Contains("Did you mean 'tester'?", Assert.Single(unknown.Warnings), StringComparison.Ordinal);
        Assert.True(known.Changed);
        Assert.Empty(known.Warnings);
        Assert.Equal(2, (await harness.Store.SwitchesAsync(Token)).Count);
    }
}
