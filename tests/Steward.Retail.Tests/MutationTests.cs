using System.Text.Json.Nodes;
using Steward.Client;
using Steward.Journal;
using Steward.Retail.Data;
using Steward.Retail.Replay;
using Steward.Retail.Shop;
using Steward.Storage;

namespace Steward.Retail.Tests;

/// <summary>Each task with one call left out, and with one argument changed: no such run may be completed.</summary>
public sealed class MutationTests(RetailFixture retail, ITestOutputHelper output)
{
    private const int Seed = 20_261_123;

    [Fact]
    public async Task EveryTask_OneCallDroppedOrOneArgumentChanged_IsNeverCompleted()
    {
        int dropped = 0, changed = 0, added = 0, byShop = 0, byJournal = 0;
        await Parallel.ForEachAsync(retail.Data.Tasks, RetailFixture.BothCores, async (task, token) =>
        {
            var random = new Random(Seed + task.Id);
            if (task.Calls.Count == 0)
            {
                // Nothing to leave out or to change: there, a call too many is made.
                GoldenCall[] others = [.. retail.Data.Tasks.SelectMany(t => t.Calls)];
                await NoticeAsync(task, [others[random.Next(others.Length)]]);
                Interlocked.Increment(ref added);
                return;
            }

            int drop = random.Next(task.Calls.Count);
            await NoticeAsync(task, [.. task.Calls.Where((_, i) => i != drop)]);
            Interlocked.Increment(ref dropped);

            int[] withArguments = [.. task.Calls.Index().Where(c => c.Item.Arguments.Count > 0).Select(c => c.Index)];
            int change = withArguments[random.Next(withArguments.Length)];
            await NoticeAsync(task, [.. task.Calls.Select((call, i) => i == change ? Changed(call, random) : call)]);
            Interlocked.Increment(ref changed);

            async Task NoticeAsync(GoldenTask mutated, IReadOnlyList<GoldenCall> calls)
            {
                bool shop = await NoticedByShopAsync(mutated, calls, token);
                Interlocked.Increment(ref shop ? ref byShop : ref byJournal);
            }
        });

        output.WriteLine($"{dropped} with a call dropped, {changed} with an argument changed, {added} with a call too many: 0 completed. {byShop} are seen in the shop, {byJournal} only in the journal.");
        Assert.Equal((113, 113, 2), (dropped, changed, added));
        Assert.Equal((116, 112), (byShop, byJournal));
    }

    /// <summary>Runs the calls and requires that the run fails for them; says whether the shop shows it, or only the journal.</summary>
    private async Task<bool> NoticedByShopAsync(GoldenTask task, IReadOnlyList<GoldenCall> calls, CancellationToken cancellationToken)
    {
        await using RetailDesk desk = RetailDesk.Open(retail.Data, task, retail.Folder.NewDesk(), retail.Folder.Before, new RetailDeskOptions
        {
            Model = _ => GoldenModel.Of(calls),
            ValidationRounds = 1,
            Store = static () => new InMemoryStewardStore(TimeProvider.System),
        });
        RunResult result = await desk.ServeAsync(cancellationToken);
        Assert.True(result is { Status: RunStatus.Failed, Reason: "validation_failed" }, $"Task {task.Id} is {result.Status} ({result.Reason}) with {string.Join("; ", calls.Select(c => c.Identity))}");

        // The validator's word, against the differences and the effects themselves.
        bool differs = !Snapshot.Of(desk.Shop, retail.Folder.Before).Since(retail.Folder.Before).SequenceEqual(task.Differences)
            || desk.Shop.Effects().Count != task.Effects.Count
            || OutcomeValidators.WrongEffects(desk.Shop, task).Length > 0;
        Assert.Contains(differs ? "the validator 'database'" : "the validator 'calls'", result.Message, StringComparison.Ordinal);
        return differs;
    }

    /// <summary>Another value, as it stands in the same place of another task: plausible, and wrong.</summary>
    private GoldenCall Changed(GoldenCall call, Random random)
    {
        string name = call.Arguments.ElementAt(random.Next(call.Arguments.Count)).Key;
        string now = PythonJson.Canonical(call.Arguments[name]);
        string[] others = [.. retail.Data.Tasks.SelectMany(t => t.Calls)
            .Where(c => c.Tool == call.Tool)
            .Select(c => PythonJson.Canonical(c.Arguments[name]))
            .Where(v => v != now)
            .Distinct()
            .Order(StringComparer.Ordinal)];
        JsonObject arguments = call.Arguments.DeepClone().AsObject();
        arguments[name] = others.Length > 0 ? JsonNode.Parse(others[random.Next(others.Length)]) : $"{arguments[name]!.GetValue<string>()}0";
        return call with { Arguments = arguments };
    }
}
