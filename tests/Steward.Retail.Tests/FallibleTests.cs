using Steward.Retail.Replay;
using Steward.Storage;

namespace Steward.Retail.Tests;

/// <summary>A scripted model that errs, on every task. What may not happen: a false "completed", an effect twice.</summary>
public sealed class FallibleTests(RetailFixture retail, ITestOutputHelper output)
{
    private const int Seed = 1;

    private static RetailDeskOptions InMemory { get; } = new() { Store = static () => new InMemoryStewardStore(TimeProvider.System) };

    [Theory]
    [InlineData(0.05)]
    [InlineData(0.20)]
    [InlineData(0.40)]
    public async Task EveryTask_ModelErrs_NeverFalselyCompletedNoEffectTwice(double share)
    {
        TrialResult result = await FallibleTrial.RunAsync(retail.Data, retail.Folder, share, Seed, InMemory, TestContext.Current.CancellationToken);

        int mistakes = result.Mistakes.Values.Sum();
        output.WriteLine(FormattableString.Invariant(
            $"{result.Runs} runs, {(double)mistakes / result.Turns:P1} of {result.Turns} turns wrong ({string.Join(", ", result.Mistakes.OrderBy(m => m.Key).Select(m => $"{m.Key} {m.Value}"))}): {result.Completed} completed, {result.FalselyCompleted} falsely, {result.DuplicateEffects} duplicate effects, {result.Usd} USD; failed: {string.Join(", ", result.Failures)}."));
        Assert.Equal(115, result.Runs);
        Assert.Equal(0, result.FalselyCompleted);
        Assert.Equal(0, result.DuplicateEffects);
        Assert.Equal(Enum.GetValues<Mistake>().Length, result.Mistakes.Count);
        Assert.InRange((double)mistakes / result.Turns, share - 0.03, share + 0.03);
        Assert.All(result.Failures.Keys, reason => Assert.Equal("validation_failed", reason));
    }

    /// <summary>The control: what keeps the counts above at 0 is the runtime, not a trial that sees nothing.</summary>
    [Fact]
    public async Task EveryTask_ModelErrs_WithoutValidatorsAndRepetitionLimit_BothHappen()
    {
        TrialResult result = await FallibleTrial.RunAsync(retail.Data, retail.Folder, 0.40, Seed, FallibleTrial.Unguarded(InMemory), TestContext.Current.CancellationToken);

        output.WriteLine($"{result.Runs} runs without validators and repetition limit: {result.Completed} completed, {result.FalselyCompleted} of them falsely, {result.DuplicateEffects} duplicate effects.");
        Assert.Equal(115, result.Completed);
        Assert.InRange(result.FalselyCompleted, 40, 100);
        Assert.InRange(result.DuplicateEffects, 1, 100);
    }
}
