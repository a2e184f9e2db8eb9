using System.Globalization;
using Steward.Tests.Shared;

namespace Steward.Tests.Simulation;

/// <summary>The whole runtime on a simulated store, clock, model and tools: one thread, one seed. Every commit is checked against the invariants.</summary>
public sealed class SimulationTests(ITestOutputHelper output)
{
    private static readonly int s_seeds = SuiteSize.Of(1_000, 10_000);

    [Fact]
    public async Task Runtime_AnySeed_HoldsItsInvariants()
    {
        var total = new Tally();
        await Parallel.ForEachAsync(SeedsOf(), TestContext.Current.CancellationToken, async (seed, _) =>
        {
            try
            {
                Tally tally = await new World(seed).RunAsync();
                lock (total)
                    total.Add(tally);
            }
            catch (Exception e)
            {
                Assert.Fail($"Seed {seed} breaks an invariant. Reproduce it alone with:\n  STEWARD_SEED={seed} dotnet test --project tests/Steward.Tests --filter-method '*{nameof(Runtime_AnySeed_HoldsItsInvariants)}'\n{e}");
            }
        });

        output.WriteLine(total.ToString());
        Assert.True(total.IsWide(s_seeds / 100) || SeedsOf().Count() < s_seeds, $"The simulation has become too tame to say much: {total}");
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

    /// <summary>All seeds, or those that STEWARD_SEED names: one (<c>7</c>) or a range (<c>1..200</c>).</summary>
    private static IEnumerable<int> SeedsOf()
    {
        if (Environment.GetEnvironmentVariable("STEWARD_SEED") is not { Length: > 0 } wanted)
            return Enumerable.Range(1, s_seeds);
        int[] ends = [.. wanted.Split("..").Select(n => int.Parse(n, CultureInfo.InvariantCulture))];
        return Enumerable.Range(ends[0], ends[^1] - ends[0] + 1);
    }
}
