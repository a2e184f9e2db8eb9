using System.Globalization;
using Microsoft.Extensions.AI;
using Steward.Client;
using Steward.Journal;
using Steward.Retail;
using Steward.Retail.Data;
using Steward.Retail.Replay;
using Steward.Retail.Shop;
using Steward.Testing.Scripting;
using Steward.Tools;

namespace Steward.CrashHost;

/// <summary>Where a task is to be killed.</summary>
internal enum KillMoment
{
    /// <summary>The call's intent is durable; it has had no effect.</summary>
    BeforeEffect,

    /// <summary>The call had its effect; its result is not in the journal.</summary>
    AfterEffect,

    /// <summary>The model is asked, and will not answer: for tasks without a call.</summary>
    Model,
}

/// <summary>Works on several tasks of the retail sample at once. Each stops for ever at the moment that is given for it, to be killed there.</summary>
internal static class RetailCrash
{
    /// <summary>Arguments: a folder with a desk's folder <c>task-N</c> for each task, then <c>N:CALL:MOMENT</c>, or <c>N</c> alone to run to the end.</summary>
    /// <returns>0 when all tasks are completed.</returns>
    public static async Task<int> RunAsync(string[] args)
    {
        // A stopped task keeps its thread.
        ThreadPool.SetMinThreads(2 * args.Length + 8, 8);
        RetailDataset data = RetailDataset.Open();
        Snapshot before;
        using (var folder = new ReplayFolder(data))
            before = folder.Before;
        Task<bool>[] tasks = [.. args.Skip(1).Select(a => a.Split(':')).Select(a => Task.Run(() => WorkAsync(data, before, args[0], a)))];
        bool[] completed = await Task.WhenAll(tasks);
        return completed.All(c => c) ? 0 : 1;
    }

    private static async Task<bool> WorkAsync(RetailDataset data, Snapshot before, string root, string[] order)
    {
        GoldenTask task = data.Tasks[int.Parse(order[0], CultureInfo.InvariantCulture)];
        var kill = order.Length > 1 ? new Kill(task.Id, int.Parse(order[1], CultureInfo.InvariantCulture), Enum.Parse<KillMoment>(order[2])) : null;
        await using RetailDesk desk = RetailDesk.Open(data, task, Path.Combine(root, $"task-{task.Id}"), before, new RetailDeskOptions
        {
            Model = t => kill is { Moment: KillMoment.Model } ? ScriptedChatClient.From((_, _, _) => kill.Stop<ScriptedTurn>()) : GoldenModel.Of(t.Calls),
            Decorate = kill is null ? static tool => tool : kill.Around,
            Configure = static o =>
            {
                o.LeaseDuration = TimeSpan.FromSeconds(2);
                o.PollInterval = TimeSpan.FromMilliseconds(100);
            },
        });
        RunResult result = await desk.ServeAsync();
        Console.WriteLine($"{task.Id} {result.Status} {result.Reason} {result.Message}");
        return result.Status == RunStatus.Completed;
    }

    /// <summary>Counts the calls of one task and stops at one of them.</summary>
    private sealed class Kill(int task, int at, KillMoment moment)
    {
        private int _calls;

        public KillMoment Moment => moment;

        public ToolDefinition Around(ToolDefinition tool) => new(tool.Name, tool.Description, tool.Schema, async (context, arguments, cancellationToken) =>
        {
            bool here = Interlocked.Increment(ref _calls) == at + 1;
            if (here && moment == KillMoment.BeforeEffect)
                Stop<ToolOutput>();
            try
            {
                return await tool.Handler(context, arguments, cancellationToken);
            }
            finally
            {
                if (here)
                    Stop<ToolOutput>();
            }
        })
        {
            Effect = tool.Effect,
            Probe = tool.Probe,
        };

        /// <summary>Says that the moment has come, and does not go on: the thread stays in the call, as it would if the machine went away.</summary>
        public T Stop<T>()
        {
            Console.WriteLine($"stopped {task}");
            Thread.Sleep(Timeout.Infinite);
            throw new InvalidOperationException("It went on.");
        }
    }
}
