using Microsoft.Extensions.AI;
using Steward.Client;
using Steward.Journal;
using Steward.Retail.Data;
using Steward.Retail.Replay;
using Steward.Retail.Shop;
using Steward.Testing.Scripting;

namespace Steward.Retail.Tests;

/// <summary>Every recorded task through the whole runtime: journal on SQLite, gate, tools, a real shop. The model is scripted.</summary>
public sealed class GoldenReplayTests(RetailFixture retail, ITestOutputHelper output)
{
    [Fact]
    public void Shop_Loaded_HasTheRecordedHash() => Assert.Equal(retail.Data.InitialHash, retail.Folder.Before.Hash);

    [Fact]
    public async Task EveryTask_Replayed_GivesEveryObservationAndEveryDifference()
    {
        int tasks = 0, calls = 0, observations = 0, errors = 0, operations = 0, unchanged = 0;
        await Parallel.ForEachAsync(retail.Data.Tasks, RetailFixture.BothCores, async (task, token) =>
        {
            IReadOnlyList<ChatMessage> shown = [];
            await using RetailDesk desk = RetailDesk.Open(retail.Data, task, retail.Folder.NewDesk(), retail.Folder.Before, new RetailDeskOptions
            {
                Model = _ => ScriptedChatClient.From((messages, _, _) =>
                {
                    shown = messages;
                    int turn = messages.Count(m => m.Role == ChatRole.Assistant);
                    return turn < task.Calls.Count ? GoldenModel.Call(task.Calls[turn]) : ScriptedTurn.Says(GoldenModel.Done);
                }),
            });
            RunResult result = await desk.ServeAsync(token);

            Assert.True(result.Status == RunStatus.Completed, $"Task {task.Id} is {result.Status} ({result.Reason}): {result.Message}");
            string[] results = [.. shown.SelectMany(m => m.Contents).OfType<FunctionResultContent>().Select(r => (string)r.Result!)];
            Assert.Equal(task.Calls.Count, results.Length);
            Assert.Equal(results, desk.Calls.Select(c => c.Result));
            foreach ((GoldenCall call, string seen) in task.Calls.Zip(results))
                Assert.Equal(call.Observation ?? "Transfer successful", seen);
            Assert.Equal(task.Calls.Select(c => c.IsError), desk.Calls.Select(c => c.IsError));

            var after = Snapshot.Of(desk.Shop, retail.Folder.Before);
            Assert.Equal(task.FinalHash, after.Hash);
            Assert.Equal(task.Differences, after.Since(retail.Folder.Before));
            Assert.Empty(OutcomeValidators.WrongEffects(desk.Shop, task));

            Interlocked.Increment(ref tasks);
            Interlocked.Add(ref calls, results.Length);
            Interlocked.Add(ref observations, task.Calls.Count(c => c.Observation is not null));
            Interlocked.Add(ref errors, task.Calls.Count(c => c.IsError));
            Interlocked.Add(ref operations, task.Differences.Count);
            Interlocked.Add(ref unchanged, task.Differences.Count == 0 ? 1 : 0);
        });

        output.WriteLine($"{tasks} tasks ({unchanged} of them change nothing), {calls} calls, {observations} recorded observations ({errors} errors), {operations} differences: all equal.");
        Assert.Equal((115, 582, 578, 24, 622, 11), (tasks, calls, observations, errors, operations, unchanged));
    }
}
