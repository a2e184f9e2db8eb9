using System.Diagnostics;
using Steward.Journal;
using Steward.Sqlite;
using Steward.State;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>From the claim of a long run to its checked and folded state.</summary>
internal static class ResumeBench
{
    private const int Steps = 1_000;

    public static async Task RunAsync(Report report, bool quick)
    {
        using Scratch scratch = new();
        string path = scratch.NewFile();
        RunId run = await PrepareAsync(path);

        Series first = new(), warm = new(), open = new();
        for (int i = 0; i < (quick ? 3 : 9); i++)
        {
            string[] values = (await Child.RunAsync("resume", path, run.ToString())).Split(' ');
            open.Add(double.Parse(values[0]));
            first.Add(double.Parse(values[1]));
            warm.Add(double.Parse(values[2]));
        }

        report.Add(
            $"Cold resume of a {Steps:#,0}-step run, new process (with JIT): claim to checked state",
            $"{first.Median:0.0} ms",
            "",
            $"{first.Median:0.0} ms",
            $"{first.Range()} ms; opening the store before it {open.Median:0} ms",
            "≤ 50 ms",
            first.Median <= 50);
        report.Add(
            $"Resume of a {Steps:#,0}-step run, same process, JIT done: claim to checked state",
            $"{warm.Median:0.0} ms",
            "",
            $"{warm.Median:0.0} ms",
            $"{warm.Range()} ms",
            "≤ 50 ms",
            warm.Median <= 50);
    }

    /// <summary>In a process of its own: opens, claims and folds; then again and again.</summary>
    public static async Task<int> ChildAsync(string[] args)
    {
        RunId run = RunId.Parse(args[1]);
        long start = Stopwatch.GetTimestamp();
        await using SqliteStewardStore store = await Scratch.OpenAsync(args[0]);
        double open = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        double first = await ResumeAsync(store, run);
        Series warm = new();
        for (int i = 0; i < 40; i++)
        {
            double ms = await ResumeAsync(store, run);
            if (i >= 20)
                warm.Add(ms);
        }

        Console.WriteLine($"{open} {first} {warm.Median}");
        return 0;
    }

    private static async Task<double> ResumeAsync(SqliteStewardStore store, RunId run)
    {
        long start = Stopwatch.GetTimestamp();
        Claim claim = await store.ClaimOneAsync(new ClaimRequest { Worker = "bench", Duration = TimeSpan.FromMinutes(1), Run = run })
            ?? throw new InvalidOperationException("The run cannot be claimed.");
        RunState state = await RunJournal.LoadAsync(store, claim);
        double ms = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        if (state.Completed.Count != Steps)
            throw new InvalidOperationException($"{state.Completed.Count} calls were folded.");
        AppendResult result = await store.AppendAsync(new RunBatch
        {
            Lease = claim.Lease,
            ExpectedSequence = state.Sequence,
            Status = state.Status,
            Reason = state.Reason,
            Release = new RunRelease(TimeProvider.System.GetUtcNow()),
        });
        return result is AppendResult.Committed ? ms : throw new InvalidOperationException($"Not released: {result}");
    }

    /// <summary>Makes a run that waits for an approval after its last step, and wakes it.</summary>
    private static async Task<RunId> PrepareAsync(string path)
    {
        Workload work = new(Steps, resultLength: 2_000, asks: true);
        await using SqliteStewardStore store = await Scratch.OpenAsync(path);
        RunId run;
        await using (BenchHost host = await BenchHost.StartAsync(store, work))
            run = await host.RunAsync(RunStatus.Awaiting);
        await store.SignalAsync(new Signal("wake", run, new MessageSignal([new TextPart("Well?")])));
        return run;
    }
}

/// <summary>This program once more, as a process of its own.</summary>
internal static class Child
{
    public static async Task<string> RunAsync(params string[] args)
    {
        ProcessStartInfo start = new(Environment.ProcessPath!) { RedirectStandardOutput = true };
        if (Path.GetFileNameWithoutExtension(Environment.ProcessPath) == "dotnet")
            start.ArgumentList.Add(typeof(Child).Assembly.Location);
        start.ArgumentList.Add("child");
        foreach (string arg in args)
            start.ArgumentList.Add(arg);
        using Process child = Process.Start(start)!;
        string output = await child.StandardOutput.ReadToEndAsync();
        await child.WaitForExitAsync();
        return child.ExitCode == 0 ? output.Trim() : throw new InvalidOperationException($"The child process ended with {child.ExitCode}.");
    }
}
