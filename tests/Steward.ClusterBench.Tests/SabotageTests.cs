using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Scenarios;
using Steward.ClusterChecker;
using Steward.ClusterChecker.Evidence;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Tests;

/// <summary>One scenario is really played, and what was found is then tampered with in every way: the checker has to notice each.</summary>
public sealed class SabotageTests(SabotageTests.Played played) : IClassFixture<SabotageTests.Played>
{
    /// <summary>Each way, and the rule that has to notice it.</summary>
    public static TheoryData<string, string> Defects => new()
    {
        { "gap", "gap" },
        { "edit", "chain" },
        { "epoch", "epoch" },
        { "forget", "durability" },
        { "intent", "intent" },
        { "early", "intent" },
        { "repeat", "repeat" },
        { "vanish", "result" },
        { "lost", "lost" },
        { "stuck", "lost" },
        { "signal", "signal" },
        { "switch", "switch" },
        { "breach", "budget" },
        { "count", "budget-count" },
    };

    [Fact]
    public void Nothing_IsTamperedWith_NothingIsFound() => Assert.Empty(Checker.Check(played.Case));

    [Theory]
    [MemberData(nameof(Defects))]
    public void Tampering_IsNoticedByItsRule(string defect, string rule) =>
        Assert.Contains(Checker.Check(Tampering.All[defect](played.Case)), f => f.Rule == rule);

    [Fact]
    public void Tampering_EveryWay_HasATest() => Assert.Equal(Tampering.All.Keys.Order(), Defects.Select(d => d.Data.Item1).Order());

    /// <summary>The checker shares nothing with what it checks.</summary>
    [Fact]
    public void Checker_ReferencesNothingOfSteward() =>
        Assert.DoesNotContain(typeof(Checker).Assembly.GetReferencedAssemblies(), a => a.Name!.StartsWith("Steward", StringComparison.Ordinal));

    public sealed class Played : IAsyncLifetime
    {
        internal Case Case { get; private set; } = null!;

        public async ValueTask InitializeAsync()
        {
            Requirement.Postgres();
            Scenario scenario = Catalogue.All.Single(s => s.Name == "kill-switch");
            await using TestBed bed = await TestBed.OpenAsync(scenario.Database, seed: 1, defect: null);
            (Case, string? failure) = await Bench.FindAsync(scenario, bed);
            Assert.Null(failure);
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
