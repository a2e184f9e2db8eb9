using Steward.Retail;
using Steward.Retail.Data;
using Steward.Retail.Replay;

namespace Steward.Bench;

/// <summary>What a model that errs costs, and what it cannot do: the retail tasks with a scripted model that makes mistakes. No real model.</summary>
internal static class FallibleBench
{
    private static readonly double[] s_shares = [0, 0.05, 0.20, 0.40];

    /// <summary>Prints the table.</summary>
    /// <param name="quick">Whether one seed is enough.</param>
    /// <returns>0, or 2 when the data is not there.</returns>
    public static async Task<int> RunAsync(bool quick)
    {
        if (RetailDataset.Missing() is { } missing)
        {
            Console.Error.WriteLine($"The benchmark 'fallible' needs the retail data of tau-bench. {missing}");
            return 2;
        }

        RetailDataset data = RetailDataset.Open();
        int seeds = quick ? 1 : 3;
        Console.WriteLine("| Turns with a mistake | Runs | Completed | Failed, and said so | Falsely completed | Duplicate effects | Model calls a run | Cost a run | … per completed run |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|");
        foreach (double share in s_shares)
            PrintRow("", await TrialAsync(data, share, seeds, new RetailDeskOptions()));
        PrintRow("; no validators, no repetition limit", await TrialAsync(data, s_shares[^1], seeds, FallibleTrial.Unguarded(new RetailDeskOptions())));
        return 0;
    }

    private static async Task<TrialResult> TrialAsync(RetailDataset data, double share, int seeds, RetailDeskOptions options)
    {
        Console.Error.WriteLine($"fallible, {share:P0} …");
        var total = new TrialResult();
        for (int seed = 1; seed <= seeds; seed++)
        {
            // Each seed in a folder of its own: the shops of a few hundred runs are enough at a time.
            using var folder = new ReplayFolder(data);
            total += await FallibleTrial.RunAsync(data, folder, share, seed, options);
        }

        return total;
    }

    private static void PrintRow(string what, TrialResult r)
    {
        double mistakes = (double)r.Mistakes.Values.Sum() / r.Turns;
        string failed = r.Failures.Count == 0 ? "0" : string.Join(", ", r.Failures.Select(f => $"{f.Value} ({f.Key})"));
        Console.WriteLine(
            $"| {mistakes:P1}{what} | {r.Runs} | {r.Completed} ({(double)r.Completed / r.Runs:P1}) | {failed} | {r.FalselyCompleted} | {r.DuplicateEffects} of {r.Effects} | {(double)r.Turns / r.Runs:F2} | ${r.Usd / r.Runs:F4} | ${r.Usd / Math.Max(1, r.Completed - r.FalselyCompleted):F4} |");
    }
}
