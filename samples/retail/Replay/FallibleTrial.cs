using Steward.Client;
using Steward.Journal;
using Steward.Retail.Data;
using Steward.Retail.Shop;
using Steward.Tools;

namespace Steward.Retail.Replay;

/// <summary>What became of tasks that the fallible model worked on.</summary>
internal sealed record TrialResult
{
    /// <summary>Runs.</summary>
    public int Runs { get; init; }

    /// <summary>Runs that ended as completed.</summary>
    public int Completed { get; init; }

    /// <summary>Runs that ended as completed although the shop, its effects or the calls are not those of the task.</summary>
    public int FalselyCompleted { get; init; }

    /// <summary>Effects that are there once too often, over all runs.</summary>
    public int DuplicateEffects { get; init; }

    /// <summary>Effects that the tasks have, over all runs.</summary>
    public int Effects { get; init; }

    /// <summary>Turns of the model.</summary>
    public long Turns { get; init; }

    /// <summary>Turns with a mistake, by kind.</summary>
    public IReadOnlyDictionary<Mistake, int> Mistakes { get; init; } = new Dictionary<Mistake, int>();

    /// <summary>What the runs cost together, in US dollars.</summary>
    public decimal Usd { get; init; }

    /// <summary>Why runs failed, and how many.</summary>
    public IReadOnlyDictionary<string, int> Failures { get; init; } = new Dictionary<string, int>();

    /// <summary>Both together.</summary>
    public static TrialResult operator +(TrialResult a, TrialResult b) => new()
    {
        Runs = a.Runs + b.Runs,
        Completed = a.Completed + b.Completed,
        FalselyCompleted = a.FalselyCompleted + b.FalselyCompleted,
        DuplicateEffects = a.DuplicateEffects + b.DuplicateEffects,
        Effects = a.Effects + b.Effects,
        Turns = a.Turns + b.Turns,
        Mistakes = Sum(a.Mistakes, b.Mistakes),
        Usd = a.Usd + b.Usd,
        Failures = Sum(a.Failures, b.Failures),
    };

    private static Dictionary<T, int> Sum<T>(IReadOnlyDictionary<T, int> a, IReadOnlyDictionary<T, int> b)
        where T : notnull =>
        a.Concat(b).GroupBy(p => p.Key).ToDictionary(g => g.Key, g => g.Sum(p => p.Value));
}

/// <summary>Has the fallible model work on every task, each on a fresh shop, with the validators on; and looks for itself afterwards.</summary>
internal static class FallibleTrial
{
    /// <summary>The control: the same desk without validators, and with no limit on repeated calls.</summary>
    public static RetailDeskOptions Unguarded(RetailDeskOptions options) => options with
    {
        Validated = false,
        Decorate = static tool => new ToolDefinition(tool.Name, tool.Description, tool.Schema, tool.Handler) { Effect = tool.Effect, Probe = tool.Probe, MaxRepeats = 1_000 },
    };

    /// <summary>Runs all tasks.</summary>
    /// <param name="data">The data set.</param>
    /// <param name="folder">Where.</param>
    /// <param name="share">The share of turns with a mistake: 0 to 0.5.</param>
    /// <param name="seed">What decides which.</param>
    /// <param name="options">How the desk differs; the model is the fallible one.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<TrialResult> RunAsync(RetailDataset data, ReplayFolder folder, double share, int seed, RetailDeskOptions? options = null, CancellationToken cancellationToken = default)
    {
        var total = new TrialResult();
        var adding = new Lock();
        await Parallel.ForEachAsync(data.Tasks, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount, CancellationToken = cancellationToken }, async (task, token) =>
        {
            TrialResult one = await RunAsync(data, folder, task, new FallibleModel(task, share, seed), options ?? new RetailDeskOptions(), token);
            lock (adding)
                total += one;
        });
        return total;
    }

    private static async Task<TrialResult> RunAsync(RetailDataset data, ReplayFolder folder, GoldenTask task, FallibleModel model, RetailDeskOptions options, CancellationToken cancellationToken)
    {
        // A call that is made again for a mistake's sake is no fault of the outcome, unless it has an effect again.
        await using RetailDesk desk = RetailDesk.Open(data, task, folder.NewDesk(), folder.Before, options with { Model = _ => model.Client(), ExactCalls = false });
        RunResult result = await desk.ServeAsync(cancellationToken);
        bool completed = result.Status == RunStatus.Completed;
        return new TrialResult
        {
            Runs = 1,
            Completed = completed ? 1 : 0,
            FalselyCompleted = completed && !IsRight(desk, folder.Before, task) ? 1 : 0,
            DuplicateEffects = Duplicates(desk.Shop, task),
            Effects = task.Effects.Count,
            Turns = result.Spent.ModelCalls,
            Mistakes = model.Mistakes.CountBy(m => m).ToDictionary(),
            Usd = result.Spent.Usd,
            Failures = completed ? new Dictionary<string, int>() : new Dictionary<string, int> { [result.Reason] = 1 },
        };
    }

    /// <summary>Looks at the differences one by one and at what the model was shown: not the way the validators look.</summary>
    private static bool IsRight(RetailDesk desk, Snapshot before, GoldenTask task)
    {
        HashSet<string> seen = [.. desk.Calls.Select(c => c.Result)];
        return Snapshot.Of(desk.Shop).Since(before).SequenceEqual(task.Differences)
            && desk.Shop.Effects().Count == task.Effects.Count
            && task.Calls.All(c => c.Observation is null || seen.Contains(c.Observation));
    }

    private static int Duplicates(RetailDatabase shop, GoldenTask task)
    {
        Dictionary<string, int> wanted = task.Effects.CountBy(e => e.Identity).ToDictionary(StringComparer.Ordinal);
        return shop.Effects().CountBy(e => GoldenCall.IdentityOf(e.Tool, e.Arguments)).Sum(e => Math.Max(0, e.Value - wanted.GetValueOrDefault(e.Key)));
    }
}
