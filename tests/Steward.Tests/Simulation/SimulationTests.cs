using System.Globalization;

namespace Steward.Tests.Simulation;

/// <summary>The whole runtime on a simulated store, clock, model and tools: one thread, one seed. Every commit is checked against the invariants.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private const int Seeds = 10_000;

    [Fact]
    public async Task Runtime_TenThousandSeeds_HoldsItsInvariants()
    {
        var total = new Tally();
        foreach (int seed in SeedsOf())
        {
            try
            {
                total.Add(await new World(seed).RunAsync());
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed} breaks an invariant. Reproduce it alone with:\n  STEWARD_SEED={seed} dotnet test --project tests/Steward.Tests --filter-method '*{nameof(Runtime_TenThousandSeeds_HoldsItsInvariants)}'\n{e}");
            }
        }

        output.WriteLine(total.ToString());
        Assert.True(total.IsWide || SeedsOf().Count() < Seeds, $"The simulation has become too tame to say much: {total}");
    }

    [Fact]
    public async Task Seed_RunTwice_HappensTheSame()
    {
        for (int seed = 1; seed <= 50; seed++)
        {
            World one = new(seed), two = new(seed);
            await one.RunAsync();
            await two.RunAsync();
            Assert.Equal(await one.DescribeAsync(), await two.DescribeAsync());
        }
    }

    private static IEnumerable<int> SeedsOf() => Environment.GetEnvironmentVariable("STEWARD_SEED") is { Length: > 0 } seed
        ? [int.Parse(seed, CultureInfo.InvariantCulture)]
        : Enumerable.Range(1, Seeds);
}
