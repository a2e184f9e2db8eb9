using System.Text.Json.Nodes;
using Steward.Agents;
using Steward.Retail.Data;
using Steward.Retail.Shop;
using Steward.Retail.Tools;
using Steward.State;

namespace Steward.Retail.Replay;

/// <summary>What must be so before a run may say that a task is done.</summary>
internal static class OutcomeValidators
{
    /// <summary>Looks into the shop: it is as the task leaves it, and holds the task's effects, each once and no other.</summary>
    public static IValidator Database(RetailDatabase shop, Snapshot before, GoldenTask task) => new DelegateValidator(
        "database",
        $"The shop is as task {task.Id} leaves it ({task.FinalHash}), and each effect is there once.",
        (_, _) => ValueTask.FromResult(CheckDatabase(shop, before, task)));

    /// <summary>Looks into the journal: the task's calls were made.</summary>
    /// <param name="task">The task.</param>
    /// <param name="exactly">Whether each must have been made as often as in the task, and none besides; otherwise at least as often.</param>
    public static IValidator Calls(GoldenTask task, bool exactly) => new DelegateValidator(
        "calls",
        $"Every call of task {task.Id} was made {(exactly ? "exactly" : "at least")} as often as in the recording.",
        (context, _) => ValueTask.FromResult(CheckCalls(context.Calls, task, exactly)));

    private static Finding CheckDatabase(RetailDatabase shop, Snapshot before, GoldenTask task)
    {
        string[] wrong = WrongEffects(shop, task);
        if (wrong.Length > 0)
            return Finding.Failed($"The shop's effects are not those of the task: {string.Join("; ", wrong)}.");
        var now = Snapshot.Of(shop, before);
        if (now.Hash == task.FinalHash)
            return Finding.Passed($"The shop's hash is {now.Hash}; it holds {task.Effects.Count} effects.");
        return Finding.Failed($"The shop differs from what the task leaves: {string.Join(", ", now.Since(before).Except(task.Differences).Concat(task.Differences.Except(now.Since(before))).Select(d => d.Path).Distinct().Take(5))}.");
    }

    /// <summary>Effects that are missing, or there once too often.</summary>
    public static string[] WrongEffects(RetailDatabase shop, GoldenTask task) =>
        Compare(Count(shop.Effects().Select(e => GoldenCall.IdentityOf(e.Tool, e.Arguments))), Count(task.Effects.Select(c => c.Identity)), exactly: true);

    private static Finding CheckCalls(IReadOnlyList<CompletedCall> calls, GoldenTask task, bool exactly)
    {
        string[] wrong = Compare(Count(calls.Where(c => c.Started).Select(IdentityOf)), Count(task.Calls.Select(c => c.Identity)), exactly);
        return wrong.Length == 0
            ? Finding.Passed($"All {task.Calls.Count} calls were made.")
            : Finding.Failed($"The calls are not those of the task: {string.Join("; ", wrong)}.");
    }

    private static string IdentityOf(CompletedCall call) =>
        GoldenCall.IdentityOf(call.Name, call.Arguments is { } arguments ? JsonObject.Create(arguments) : null);

    private static Dictionary<string, int> Count(IEnumerable<string> identities) => identities.CountBy(i => i).ToDictionary(StringComparer.Ordinal);

    private static string[] Compare(Dictionary<string, int> actual, Dictionary<string, int> expected, bool exactly) =>
    [
        .. expected.Where(e => actual.GetValueOrDefault(e.Key) is var n && (n < e.Value || (exactly && n > e.Value)))
            .Select(e => $"{e.Key} was made {actual.GetValueOrDefault(e.Key)} times, not {e.Value}"),
        .. actual.Where(a => exactly && !expected.ContainsKey(a.Key)).Select(a => $"{a.Key} was made, and is none of them"),
    ];
}
