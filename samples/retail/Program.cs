// A retail support desk, driven by recorded tasks. dotnet run --project samples/retail -- --task 0, or -- --all.
using System.Globalization;
using Steward.Client;
using Steward.Journal;
using Steward.Retail;
using Steward.Retail.Data;
using Steward.Retail.Replay;
using Steward.Retail.Shop;
using Steward.State;

int? only = args is ["--task", var number] && int.TryParse(number, CultureInfo.InvariantCulture, out int id) ? id : null;
if (only is null && args is not ["--all"])
    return Fail("Usage: dotnet run --project samples/retail -- --task NUMBER | --all");
if (RetailDataset.Missing() is { } missing)
    return Fail($"The sample needs the retail data of tau-bench. {missing}");

RetailDataset data = RetailDataset.Open();
GoldenTask[] tasks = [.. data.Tasks.Where(t => only is null || t.Id == only)];
if (tasks.Length == 0)
    return Fail($"There is no task {only}; there are 0 to {data.Tasks.Count - 1}.");

Console.WriteLine("A SCRIPTED model speaks, no real one: it makes the calls of the recording. Tools, gate, journal and shop are real.");
using var folder = new ReplayFolder(data);
int right = 0;
foreach (GoldenTask task in tasks)
    right += await ServeAsync(task) ? 1 : 0;
Console.WriteLine($"{right} of {tasks.Length} tasks end as recorded.");
return right == tasks.Length ? 0 : 1;

async Task<bool> ServeAsync(GoldenTask task)
{
    await using RetailDesk desk = RetailDesk.Open(data, task, folder.NewDesk(), folder.Before);
    RunResult result = await desk.ServeAsync();
    var after = Snapshot.Of(desk.Shop, folder.Before);
    bool equal = result.Status == RunStatus.Completed && after.Hash == task.FinalHash;
    if (only is not null)
    {
        Console.WriteLine($"\n{task.User}: {task.Instruction}\n");
        foreach (CompletedCall call in desk.Calls)
            Console.WriteLine($"  {call.Name} {call.Arguments?.GetRawText() ?? "{}"}\n    -> {Short(call.Result)}");
        Console.WriteLine();
        foreach (Difference difference in after.Since(folder.Before))
            Console.WriteLine($"  {Short(difference.ToString())}");
    }

    Console.WriteLine($"task {task.Id}: {result.Status} ({result.Reason}), {desk.Calls.Count} calls, {task.Effects.Count} effects; the shop {(after.Hash == task.FinalHash ? "equals" : "DIFFERS FROM")} the recording.");
    return equal;
}

static string Short(string text) => text.Length <= 160 ? text : $"{text[..160]}…";

static int Fail(string message)
{
    Console.Error.WriteLine(message);
    return 2;
}
