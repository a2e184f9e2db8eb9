using System.Globalization;
using Steward.Journal;
using Steward.Tests.Shared;

namespace Steward.Sqlite.Tests.Crash;

/// <summary>A real process, killed with SIGKILL at random moments and started again until its run is done.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Steps = 30;
    private const int Lanes = 2;

    [Fact]
    public async Task C9_Run_KilledAtRandomMoments_WithProbe_NoDuplicateNoLostNoStuck()
    {
        int runs = Asked("STEWARD_KILL_RUNS") ?? SuiteSize.Of(6, 16);
        int kills = 0, reconciled = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, runs), new ParallelOptions { MaxDegreeOfParallelism = Lanes, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancellationToken) =>
        {
            using var folder = new TestFolder();
            var crash = new CrashedRun(folder, $"run-{i}", probe: true, Steps, new Random(1_000 + i));
            (int exit, string text) = await crash.RunUntilDoneAsync(mostKills: 12, cancellationToken);
            Assert.True(exit == 0, $"Run {i} ended with {exit}: {text}");
            crash.AssertEachEffectOnce();
            Interlocked.Add(ref kills, crash.Kills);
            Interlocked.Add(ref reconciled, await crash.CountAsync(e => e is ToolResolved { By: "probe" }));
        });
        output.WriteLine($"{runs} runs of {Steps} steps, {kills} kills, {reconciled} lost results settled by the probe, 0 duplicate, 0 lost, 0 stuck.");
        Assert.True(kills >= runs, $"Only {kills} kills hit: the test did not test much.");
    }

    [Fact]
    public async Task C9_Run_KilledAtRandomMoments_WithoutProbe_EveryAmbiguousCallAsksNoneRepeats()
    {
        int runs = SuiteSize.Of(6, 8);
        int kills = 0, asked = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, runs), new ParallelOptions { MaxDegreeOfParallelism = Lanes, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancellationToken) =>
        {
            using var folder = new TestFolder();
            var crash = new CrashedRun(folder, $"run-{i}", probe: false, Steps, new Random(2_000 + i));
            (int exit, string text) = await crash.RunUntilDoneAsync(mostKills: 8, cancellationToken);
            Assert.True(exit == 0, $"Run {i} ended with {exit}: {text}");
            crash.AssertEachEffectOnce();
            int lost = await crash.CountAsync(e => e is QuestionAsked { Kind: QuestionKind.OutcomeUnknown });
            Assert.Equal(lost, await crash.CountAsync(e => e is QuestionAnswered));
            Assert.Equal(0, await crash.CountAsync(e => e is ToolResolved));
            Interlocked.Add(ref kills, crash.Kills);
            Interlocked.Add(ref asked, lost);
        });
        output.WriteLine($"{runs} runs of {Steps} steps, {kills} kills, {asked} questions asked and answered, 0 duplicate, 0 lost.");
        Assert.True(asked > 0, "No kill hit a call in flight: the test did not test anything.");
    }

    /// <summary>A number from the environment, for a longer test than CI runs.</summary>
    private static int? Asked(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : null;
}
