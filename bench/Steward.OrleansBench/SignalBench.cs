using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Hosting;
using Steward.Journal;
using Steward.OrleansHost;
using Steward.Storage;

namespace Steward.OrleansBench;

/// <summary>
/// From a cancel, or a kill switch, in one node to the event in which the other node, whose tool call it cuts off, takes note of it; both in this process, each
/// with a store of its own.
/// </summary>
internal static class SignalBench
{
    public static async Task RunAsync(string connectionString, int signals)
    {
        foreach (bool kills in (bool[])[false, true])
        {
            await MeasureAsync("polling (WatchInterval 250 ms)", connectionString, signals, kills, orleans: false, notify: false, TimeSpan.FromMilliseconds(250));
            await MeasureAsync("NOTIFY (WatchInterval 60 s)", connectionString, signals, kills, orleans: false, notify: true, TimeSpan.FromSeconds(60));
            await MeasureAsync("Orleans, no NOTIFY (WatchInterval 60 s)", connectionString, signals, kills, orleans: true, notify: false, TimeSpan.FromSeconds(60));
            await MeasureAsync("Orleans and NOTIFY (WatchInterval 60 s)", connectionString, signals, kills, orleans: true, notify: true, TimeSpan.FromSeconds(60));
        }
    }

    private static async Task MeasureAsync(string name, string connectionString, int signals, bool kills, bool orleans, bool notify, TimeSpan watch)
    {
        await using BenchSchema schema = await BenchSchema.CreateAsync(connectionString, "orleans_bench");

        // The one that works and the one that calls.
        using IHost worker = orleans ? TestSilo.Build(connectionString, schema.Name, 21_111, 23_000, Node, notify: notify) : TestSilo.BuildNode(connectionString, schema.Name, Node, notify);
        using IHost caller = orleans ? TestSilo.BuildClient(connectionString, schema.Name, Node, notify) : TestSilo.BuildNode(connectionString, schema.Name, o => { Node(o); o.RunWorker = false; }, notify);
        await worker.StartAsync();
        await caller.StartAsync();
        var client = caller.Services.GetRequiredService<IStewardClient>();
        var store = caller.Services.GetRequiredService<IStewardStore>();
        List<double> taken = [];
        for (int i = 0; i < signals + 10; i++)
        {
            RunHandle run = await client.StartAsync("sleeper", new RunRequest("go"));
            while (await WhenAsync(store, run.Id, e => e is ToolStarted) is null)
                await Task.Delay(20);
            await Task.Delay(i * 37 % 250); // At every moment of a poll's interval.
            DateTimeOffset sent = TimeProvider.System.GetUtcNow();
            DateTimeOffset noted = kills ? await KillAsync(client, store, run, sent) : await CancelAsync(store, run);
            if (i >= 10)
                taken.Add((noted - sent).TotalMilliseconds);
        }

        taken.Sort();
        string what = kills ? "kill switch → the run at work parked" : "cancel → noted by the run at work";
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {what}, {name} | {taken[taken.Count / 2]:0.0} ms | {taken[taken.Count * 99 / 100]:0.0} ms | {taken.Count} |"));
        await caller.StopAsync();
        await worker.StopAsync();

        void Node(StewardOptions options) => (options.WatchInterval, options.PollInterval, options.LeaseDuration) = (watch, TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(10));
    }

    private static async Task<DateTimeOffset> CancelAsync(IStewardStore store, RunHandle run)
    {
        await run.CancelAsync("the bench");
        return await NotedAsync(store, run, static e => e is CancelRequested);
    }

    /// <summary>The switch is over the agent, and is released for the next round.</summary>
    private static async Task<DateTimeOffset> KillAsync(IStewardClient client, IStewardStore store, RunHandle run, DateTimeOffset at)
    {
        await client.EngageAsync(new KillSwitch("agent:sleeper", "the bench", null, at));
        DateTimeOffset noted = await NotedAsync(store, run, static e => e is StateChanged { Reason: "kill_switch" });
        await client.ReleaseAsync("agent:sleeper");
        await run.WaitAsync();
        return noted;
    }

    private static async Task<DateTimeOffset> NotedAsync(IStewardStore store, RunHandle run, Func<RunEvent, bool> isIt)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (TimeProvider.System.GetElapsedTime(began) < TimeSpan.FromMinutes(3)) // Three times the longest poll.
        {
            if (await WhenAsync(store, run.Id, isIt) is { } at)
                return at;
            await Task.Delay(5);
        }

        throw new TimeoutException($"Run {run.Id} has not taken note in 3 minutes.");
    }

    /// <summary>When such an event was noted, by the worker's clock, which is the caller's too.</summary>
    private static async Task<DateTimeOffset?> WhenAsync(IStewardStore store, RunId run, Func<RunEvent, bool> isIt)
    {
        await foreach (JournalEntry entry in store.ReadAsync(run))
        {
            if (isIt(entry.Event))
                return entry.Time;
        }

        return null;
    }
}
