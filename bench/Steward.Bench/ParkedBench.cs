using System.Diagnostics;
using Steward.Client;
using Steward.Journal;
using Steward.Sqlite;
using Steward.State;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>What a worker pays for runs that wait: nothing but their rows.</summary>
internal static class ParkedBench
{
    private static readonly TimeSpan s_watched = TimeSpan.FromSeconds(5);

    public static async Task RunAsync(Report report, bool quick)
    {
        int runs = quick ? 10_000 : 100_000;
        Workload work = new(1, resultLength: 100, asks: true);
        using Scratch scratch = new();
        string none = scratch.NewFile(), many = scratch.NewFile();
        await FillAsync(none, work, 1);
        long empty = new FileInfo(none).Length;
        await FillAsync(many, work, runs);

        Idle without = Idle.Parse(await Child.RunAsync("parked", none)), with = Idle.Parse(await Child.RunAsync("parked", many));
        report.Add(
            $"Memory of an idle worker beside {runs:#,0} parked runs (against 1): working set, live heap",
            $"{Report.Bytes(with.WorkingSet)}, {Report.Bytes(with.Heap)}",
            $"{Report.Bytes(without.WorkingSet)}, {Report.Bytes(without.Heap)}",
            $"{(with.Heap - without.Heap) / runs:0.0} B of heap per run",
            "",
            "none per run",
            (with.Heap - without.Heap) / runs < 8);
        report.Add(
            $"CPU of an idle worker over {s_watched.TotalSeconds:0} s; its threads' wake-ups",
            $"{with.Cpu:0} ms; {with.WakeUps / s_watched.TotalSeconds:0}/s",
            $"{without.Cpu:0} ms; {without.WakeUps / s_watched.TotalSeconds:0}/s",
            $"{with.Cpu - without.Cpu:+0;-0;0} ms",
            "",
            "no polling per run",
            with.Cpu - without.Cpu < 50);
        report.Add("A poll for claimable runs that finds none (p50)", Report.Micros(with.Poll), Report.Micros(without.Poll), $"{with.Poll / without.Poll:0.00}× with {runs:#,0} parked");
        report.Add("From a person's answer to the woken run's next durable step", Report.Micros(with.Wake), Report.Micros(without.Wake), $"{with.Wake / without.Wake:0.00}× with {runs:#,0} parked");
        report.Add("Opening the store", $"{with.Open:0} ms", $"{without.Open:0} ms", $"{(with.Open - without.Open) * 1000 / runs:0.0} µs per run");
        report.Add($"Database of {runs:#,0} parked runs of one step", Report.Bytes(new FileInfo(many).Length), "", $"{(new FileInfo(many).Length - empty) / (double)runs:#,0} B per run", $"witness: {new FileInfo(many + "-witness").Length / (double)runs:#,0} B per run");
    }

    /// <summary>In a process of its own: a worker with nothing to do.</summary>
    public static async Task<int> ChildAsync(string[] args)
    {
        Workload work = new(1, resultLength: 100, asks: true);
        long start = Stopwatch.GetTimestamp();
        await using SqliteStewardStore store = await Scratch.OpenAsync(args[0]);
        double open = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        await using BenchHost host = await BenchHost.StartAsync(store, work);
        await Task.Delay(TimeSpan.FromSeconds(1.5));
        GC.Collect();

        using Process self = Process.GetCurrentProcess();
        double cpu = self.TotalProcessorTime.TotalMilliseconds;
        long wakeUps = WakeUps();
        await Task.Delay(s_watched);
        self.Refresh();
        cpu = self.TotalProcessorTime.TotalMilliseconds - cpu;
        wakeUps = WakeUps() - wakeUps;
        GC.Collect();
        Idle idle = new(open, self.WorkingSet64, GC.GetTotalMemory(forceFullCollection: true), cpu, wakeUps, await PollAsync(store), await WakeAsync(store, host));
        Console.WriteLine(idle.ToText());
        return 0;
    }

    private static async Task<double> PollAsync(SqliteStewardStore store)
    {
        Series series = new();
        for (int i = 0; i < 220; i++)
        {
            long start = Stopwatch.GetTimestamp();
            if (await store.ClaimOneAsync(new ClaimRequest { Worker = "poll", Duration = TimeSpan.FromMinutes(1), Agents = ["bench"] }) is not null)
                throw new InvalidOperationException("Nothing should be claimable.");
            if (i >= 20)
                series.Add(Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return series.Median;
    }

    private static async Task<double> WakeAsync(SqliteStewardStore store, BenchHost host)
    {
        RunInfo parked = (await store.FindAsync(new RunQuery { Limit = 1 }))[0];
        RunHandle run = host.Get(parked.Run);
        RunState state = await run.GetStateAsync();
        long start = Stopwatch.GetTimestamp();
        await run.AnswerAsync(state.Questions[0].Id, Answer.Deny, "bench");
        await foreach (JournalEntry entry in run.FollowAsync(state.Sequence))
        {
            if (entry.Event is ModelStarted)
                break;
        }

        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    /// <summary>Times that threads of this process gave up the processor by themselves and were woken again.</summary>
    private static long WakeUps()
    {
        const string field = "voluntary_ctxt_switches:";
        return !OperatingSystem.IsLinux() ? 0 : Directory.GetDirectories("/proc/self/task")
            .Sum(task => File.ReadLines(Path.Combine(task, "status")).Where(line => line.StartsWith(field, StringComparison.Ordinal)).Sum(line => long.Parse(line.AsSpan(field.Length))));
    }

    /// <summary>Makes parked runs: one real run as the pattern, its events again for each further run.</summary>
    private static async Task FillAsync(string path, Workload work, int runs)
    {
        await using SqliteStewardStore store = await Scratch.OpenAsync(path);
        RunEvent[] events;
        await using (BenchHost host = await BenchHost.StartAsync(store, work))
        {
            List<RunEvent> all = [];
            await foreach (JournalEntry entry in store.ReadAsync(await host.RunAsync(RunStatus.Awaiting)))
                all.Add(entry.Event);
            events = [.. all.Skip(1)];
        }

        await Parallel.ForEachAsync(Enumerable.Range(1, runs - 1), new ParallelOptions { MaxDegreeOfParallelism = 256 }, async (_, cancellationToken) =>
        {
            RunAppender run = await RunAppender.StartAsync(store, work);
            RunBatch batch = run.Batch(events, RunStatus.Awaiting, new RunRelease(WakeAt: null));
            run.Accept(await store.AppendAsync(batch, cancellationToken), batch);
        });
    }

    private sealed record Idle(double Open, double WorkingSet, double Heap, double Cpu, double WakeUps, double Poll, double Wake)
    {
        public static Idle Parse(string text)
        {
            double[] v = [.. text.Split(' ').Select(double.Parse)];
            return new Idle(v[0], v[1], v[2], v[3], v[4], v[5], v[6]);
        }

        public string ToText() => $"{Open} {WorkingSet} {Heap} {Cpu} {WakeUps} {Poll} {Wake}";
    }
}
