using System.Diagnostics;
using System.Globalization;
using Steward.Journal;
using Steward.Postgres;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Bench;

/// <summary>Node processes on one database: do more of them do more, and how soon does another one go on with a dead or frozen one's runs?</summary>
internal static class NodesBench
{
    private const int Stop = 19;
    private const int Lease = 5;

    public static async Task RunAsync(Report report, PostgresServer server, bool quick)
    {
        int runs = 128, steps = quick ? 8 : 40;
        Workload work = new(steps, resultLength: 2_000);
        foreach (int nodes in (int[])[1, 2, 4])
        {
            await using PostgresStewardStore store = await PostgresBench.OpenAsync(server);
            List<Process> children = [.. Enumerable.Range(0, nodes).Select(_ => StartNode(server, steps))];
            try
            {
                await RunAllAsync(store, work, nodes * 4); // They are up, and their code is compiled.
                TimeSpan before = Cpu(children), serverBefore = ServerCpu();
                long start = Stopwatch.GetTimestamp();
                await RunAllAsync(store, work, runs);
                TimeSpan took = Stopwatch.GetElapsedTime(start);
                report.Add(
                    $"PostgreSQL: {runs} runs on {nodes} node process{(nodes == 1 ? "" : "es")}",
                    $"{runs * steps / took.TotalSeconds:#,0} steps/s",
                    "",
                    $"CPU: nodes {(Cpu(children) - before) / took:0.00}, server {(ServerCpu() - serverBefore) / took:0.00} of {Environment.ProcessorCount} cores");
            }
            finally
            {
                children.ForEach(End);
            }
        }
    }

    public static async Task TakeOverAsync(Report report, PostgresServer server, bool quick)
    {
        foreach (bool freeze in (bool[])[false, true])
        {
            Series took = new();
            for (int round = 0; round < (quick ? 1 : 5); round++)
                took.Add(await TakeOverOnceAsync(server, freeze));
            report.Add(
                $"PostgreSQL: {(freeze ? "a node is frozen (SIGSTOP)" : "a node is killed (SIGKILL)")}: until another has claimed its last run, lease {Lease} s, poll 1 s",
                $"{took.Median:0.0} s",
                "",
                "",
                took.Range("0.0"));
        }
    }

    /// <summary>A worker until it is killed.</summary>
    public static async Task<int> ChildAsync(string[] args)
    {
        Workload work = new(int.Parse(args[1], CultureInfo.InvariantCulture), resultLength: 2_000);
        await using PostgresStewardStore store = await PostgresBench.OpenAsync(args[0]);
        await using BenchHost host = await BenchHost.StartAsync(store, work, concurrency: 64, configure: o => o.LeaseDuration = TimeSpan.FromSeconds(Lease), delay: args is [_, _, var ms] ? TimeSpan.FromMilliseconds(int.Parse(ms, CultureInfo.InvariantCulture)) : TimeSpan.Zero);
        Console.WriteLine("ready");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }

    private static async Task<double> TakeOverOnceAsync(PostgresServer server, bool freeze)
    {
        const int Steps = 2_000; // More than anybody lives to see.
        await using PostgresStewardStore store = await PostgresBench.OpenAsync(server);
        Process victim = StartNode(server, Steps, delayMs: 20);
        Process? heir = null;
        try
        {
            await using BenchHost client = await BenchHost.StartAsync(store, new Workload(Steps, 2_000), work: false);
            for (int i = 0; i < 32; i++)
                await client.StartRunAsync();
            await UntilAsync(store, runs => runs.Count(r => r.Epoch == 1 && r.Sequence > 10) == 32);
            heir = StartNode(server, Steps, delayMs: 20);
            await Task.Delay(TimeSpan.FromSeconds(1));
            long start = Stopwatch.GetTimestamp();
            if (freeze)
                Signal(victim, Stop);
            else
                victim.Kill();
            await UntilAsync(store, runs => runs.All(r => r.Epoch > 1));
            double seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
            await store.EngageAsync(new KillSwitch("global", "bench", null, TimeProvider.System.GetUtcNow()));
            return seconds;
        }
        finally
        {
            End(victim);
            if (heir is not null)
                End(heir);
            await PostgresBench.ScalarAsync<object>(server, "DELETE FROM steward.kill_switch; UPDATE steward.run SET status = 'cancelled', worker = NULL, claimable_at = NULL; SELECT 1::bigint");
        }
    }

    private static async Task UntilAsync(PostgresStewardStore store, Func<IReadOnlyList<RunInfo>, bool> condition)
    {
        RunStatus[] living = [.. Enum.GetValues<RunStatus>().Where(s => !s.IsTerminal())];
        for (int i = 0; !condition(await store.FindAsync(new RunQuery { Statuses = living })); i++)
        {
            if (i > 2_000)
                throw new InvalidOperationException("It never happened.");
            await Task.Delay(25);
        }
    }

    private static async Task RunAllAsync(PostgresStewardStore store, Workload work, int runs)
    {
        await using BenchHost client = await BenchHost.StartAsync(store, work, work: false);
        await Task.WhenAll(Enumerable.Range(0, runs).Select(_ => client.RunAsync()));
    }

    private static Process StartNode(PostgresServer server, int steps, int delayMs = 0)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [.. Environment.ProcessPath!.EndsWith("dotnet", StringComparison.Ordinal) ? (string[])[typeof(NodesBench).Assembly.Location] : [], "child", "node", server.ConnectionString, $"{steps}", $"{delayMs}"]) { RedirectStandardOutput = true };
        Process process = Process.Start(start)!;
        process.StandardOutput.ReadLine();
        return process;
    }

    private static void End(Process process)
    {
        if (!process.HasExited)
            process.Kill();
        process.WaitForExit();
        process.Dispose();
    }

    private static void Signal(Process process, int signal)
    {
        using Process kill = Process.Start("kill", [$"-{signal}", $"{process.Id}"]);
        kill.WaitForExit();
    }

    private static TimeSpan Cpu(List<Process> processes) => processes.Aggregate(TimeSpan.Zero, (sum, p) =>
    {
        p.Refresh();
        return sum + p.TotalProcessorTime;
    });

    /// <summary>What the server's processes that live now have used: the pools keep theirs for as long as a measurement takes.</summary>
    private static TimeSpan ServerCpu()
    {
        TimeSpan sum = TimeSpan.Zero;
        foreach (string folder in Directory.GetDirectories("/proc").Where(f => int.TryParse(Path.GetFileName(f), out _)))
        {
            try
            {
                // A backend's title changes with what it does; the name of its program does not.
                if (File.ReadAllText(Path.Combine(folder, "comm")).Trim() == "postgres")
                    sum += Process.GetProcessById(int.Parse(Path.GetFileName(folder), CultureInfo.InvariantCulture)).TotalProcessorTime;
            }
            catch (Exception e) when (e is IOException or ArgumentException or InvalidOperationException)
            {
                // It has just ended.
            }
        }

        return sum;
    }
}
