using System.Diagnostics;
using System.Text.Json.Nodes;
using Steward.Journal;
using Steward.Retail.Data;
using Steward.Retail.Replay;
using Steward.Retail.Shop;
using Steward.Sqlite;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Retail.Tests;

/// <summary>Each task in a real process that is killed with SIGKILL at a random call of it, and started again.</summary>
public sealed class KillTests(RetailFixture retail, ITestOutputHelper output)
{
    private const int Seed = 20_261_123;

    /// <summary>Tasks that one process works on at the same time, each stopped at its own call when the process is killed.</summary>
    private const int Batch = 23;

    [Fact]
    public async Task EveryTask_KilledAtARandomCall_ResumesToTheSameShopWithNoEffectTwice()
    {
        var random = new Random(Seed);
        int killed = 0, reconciledHappened = 0, reconciledNot = 0, repeated = 0, remade = 0, modelLost = 0, calls = 0, operations = 0;
        GoldenTask[] tasks = [.. retail.Data.Tasks.Where((_, i) => i % 5 < SuiteSize.Of(2, 5))];
        foreach (GoldenTask[] batch in tasks.Chunk(Batch))
        {
            string root = Directory.CreateDirectory(Path.Combine(retail.Folder.NewDesk(), "killed")).FullName;
            foreach (GoldenTask task in batch)
                Directory.Move(retail.Folder.NewDesk(), Path.Combine(root, $"task-{task.Id}"));

            await KillWhenAllStoppedAsync(root, [.. batch.Select(t => $"{t.Id}:{Point(t, random)}")]);
            foreach (GoldenTask task in batch)
                Assert.Equal(RunStatus.Executing, (await JournalAsync(root, task)).Status);
            await RunToTheEndAsync(root, [.. batch.Select(t => $"{t.Id}")]);

            foreach (GoldenTask task in batch)
            {
                (_, RunState state, List<RunEvent> events) = await JournalAsync(root, task);
                AssertSameAsRecorded(root, task, state);
                killed += events.OfType<RunClaimed>().Count() == 2 ? 1 : 0;
                reconciledHappened += events.Count(e => e is ToolResolved { By: "probe", Outcome: EffectOutcome.Happened });
                reconciledNot += events.Count(e => e is ToolResolved { By: "probe", Outcome: EffectOutcome.DidNotHappen });
                repeated += events.Count(e => e is ToolStarted { Attempt: > 1, Effect: ToolEffect.ReadOnly });
                remade += events.Count(e => e is ToolStarted { Attempt: > 1, Effect: ToolEffect.Unsafe });
                modelLost += events.Count(e => e is ModelFailed);
                calls += state.Completed.Count;
                operations += task.Differences.Count;
            }

            Directory.Delete(root, recursive: true);
        }

        output.WriteLine($"{tasks.Length} tasks, {killed} killed and resumed: {reconciledHappened} lost effects found by the probe, {reconciledNot} found not to have happened and made, {repeated} lookups made again, {modelLost} lost model calls; {calls} calls and {operations} differences equal, 0 duplicate effects.");
        Assert.Equal((tasks.Length, tasks.Sum(t => t.Calls.Count), tasks.Sum(t => t.Differences.Count)), (killed, calls, operations));
        Assert.Equal(tasks.Length, reconciledHappened + reconciledNot + repeated + modelLost);
        // The shop would not take a key twice; nor was it asked to: what is made again is only what the probe said had not happened.
        Assert.Equal(reconciledNot, remade);
        Assert.True(reconciledHappened > 0 && reconciledNot > 0, "The seed hits too few effects.");
        if (!SuiteSize.IsFull)
            return;
        Assert.Equal((115, 582, 622, 2), (killed, calls, operations, modelLost));
        Assert.True(reconciledHappened > 10 && reconciledNot > 10, "The seed hits too few effects.");
    }

    private static string Point(GoldenTask task, Random random) => task.Calls.Count == 0
        ? "0:Model"
        : $"{random.Next(task.Calls.Count)}:{(random.Next(2) == 0 ? "BeforeEffect" : "AfterEffect")}";

    private void AssertSameAsRecorded(string root, GoldenTask task, RunState state)
    {
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(task.Calls.Select(c => c.Identity), state.Completed.Select(c => GoldenCall.IdentityOf(c.Name, c.Arguments is { } a ? JsonObject.Create(a) : null)));
        Assert.Equal(task.Calls.Select(c => c.Observation ?? "Transfer successful"), state.Completed.Select(c => c.Result));
        using RetailDatabase shop = RetailDatabase.Open(RetailDesk.ShopFile(Path.Combine(root, $"task-{task.Id}")));
        var after = Snapshot.Of(shop, retail.Folder.Before);
        Assert.Equal(task.FinalHash, after.Hash);
        Assert.Equal(task.Differences, after.Since(retail.Folder.Before));
        Assert.Equal(task.Effects.Select(e => e.Identity), shop.Effects().Select(e => GoldenCall.IdentityOf(e.Tool, e.Arguments)));
    }

    private static async Task<(RunStatus Status, RunState State, List<RunEvent> Events)> JournalAsync(string root, GoldenTask task)
    {
        await using SqliteStewardStore store = await SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = Path.Combine(root, $"task-{task.Id}", "runs.db") }, TimeProvider.System);
        RunInfo info = Assert.Single(await store.FindAsync(new RunQuery(), TestContext.Current.CancellationToken));
        RunState state = RunState.Empty(info.Run);
        List<RunEvent> events = [];
        await foreach (JournalEntry entry in store.ReadAsync(info.Run, 0, TestContext.Current.CancellationToken))
        {
            state = state.Apply(entry);
            events.Add(entry.Event);
        }

        return (info.Status, state, events);
    }

    private static async Task KillWhenAllStoppedAsync(string root, string[] orders)
    {
        using Process process = Start(root, orders);
        using var limit = Limit();
        for (int stopped = 0; stopped < orders.Length;)
        {
            string? line = await process.StandardOutput.ReadLineAsync(limit.Token);
            Assert.NotNull(line);
            Assert.StartsWith("stopped ", line, StringComparison.Ordinal);
            stopped++;
        }

        process.Kill();
        await process.WaitForExitAsync(limit.Token);
        Assert.Equal(128 + 9, process.ExitCode);
    }

    private static async Task RunToTheEndAsync(string root, string[] orders)
    {
        using Process process = Start(root, orders);
        using var limit = Limit();
        string text = await process.StandardOutput.ReadToEndAsync(limit.Token);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"The second process ended with {process.ExitCode}: {text}");
    }

    private static Process Start(string root, string[] orders) => Process.Start(new ProcessStartInfo("dotnet", [Path.Combine(AppContext.BaseDirectory, "Steward.CrashHost.dll"), "retail", root, .. orders])
    {
        RedirectStandardOutput = true,
    })!;

    private static CancellationTokenSource Limit()
    {
        var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        return limit;
    }
}
