using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Client;
using Steward.Journal;
using Steward.OrleansHost;
using Steward.Storage;

namespace Steward.OrleansBench;

/// <summary>
/// From the end of a silo's process, or its freeze, to the claims of its runs by another one, while new runs are started all the time. Three silos; the lease is
/// 5 seconds. A frozen silo is thawed when its runs have been taken over, with the load still on. Of several rounds the median, and the sums of what must not happen.
/// </summary>
internal static class TakeoverBench
{
    private const string Lease = "5";
    private const int Busy = 5;
    private static readonly TimeSpan s_bound = TimeSpan.FromMinutes(3);

    public static async Task RunAsync(string connectionString, int rounds)
    {
        Console.WriteLine();
        Console.WriteLine("| Fault under load | rounds | first takeover | last takeover (each round) | runs | effects | made twice | lost | taken over | refused appends |");
        Console.WriteLine("|---|---|---|---|---|---|---|---|---|---|");
        await MeasureAsync("`kill -9` of one of three silos", "KILL", connectionString, rounds);
        await MeasureAsync("a freeze (SIGSTOP), thawed after the takeover", "STOP", connectionString, rounds);
    }

    private static async Task MeasureAsync(string name, string signal, string connectionString, int rounds)
    {
        List<Round> done = [];
        for (int i = 0; i < rounds; i++)
        {
            done.Add(await RoundAsync(signal, connectionString));
            Console.Error.WriteLine($"{name}: {done[^1]}");
        }

        double[] first = [.. done.Select(r => r.First).Order()], last = [.. done.Select(r => r.Last).Order()];
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"| {name} | {rounds} | {first[first.Length / 2]:0.0} s | {last[last.Length / 2]:0.0} s ({string.Join(", ", last.Select(l => l.ToString("0.0", CultureInfo.InvariantCulture)))}) | {done.Sum(r => r.Runs)} | {done.Sum(r => r.Effects)} | {done.Sum(r => r.Twice)} | {done.Sum(r => r.Lost)} | {done.Sum(r => r.Taken)} | {done.Sum(r => r.Refused)} |"));
    }

    private static async Task<Round> RoundAsync(string signal, string connectionString)
    {
        await using BenchSchema schema = await BenchSchema.CreateAsync(connectionString, "orleans_bench");
        ConcurrentQueue<string> output = new();
        List<Process> silos = [];
        try
        {
            for (int i = 0; i < 3; i++)
                silos.Add(await StartAsync(connectionString, schema.Name, 21_211 + i, 23_100 + i, output));
            using IHost caller = TestSilo.BuildClient(connectionString, schema.Name);
            await caller.StartAsync();
            var client = caller.Services.GetRequiredService<IStewardClient>();
            var store = caller.Services.GetRequiredService<IStewardStore>();
            List<RunHandle> runs = [];

            // The one that will fail is in the middle of several runs.
            string held = "SELECT count(*) FROM steward.run WHERE worker LIKE '%:21211@%' AND head > 8";
            await LoadUntilAsync(client, runs, async () => await schema.ScalarAsync<long>(held) >= Busy);
            DateTimeOffset at = TimeProvider.System.GetUtcNow();
            await SendAsync(signal, silos[0]);
            RunHandle[] before = [.. runs];
            await LoadUntilAsync(client, runs, async () => await schema.ScalarAsync<long>("SELECT count(*) FROM steward.run WHERE worker LIKE '%:21211@%'") == 0);
            if (signal == "STOP")
            {
                await SendAsync("CONT", silos[0]);
                DateTimeOffset thawed = TimeProvider.System.GetUtcNow();
                await LoadUntilAsync(client, runs, () => Task.FromResult(silos[0].HasExited || TimeProvider.System.GetUtcNow() - thawed > TimeSpan.FromSeconds(10)));
            }

            await Task.WhenAll(runs.Select(r => r.WaitAsync())).WaitAsync(s_bound);
            List<double> claims = await TakeoversAsync(store, before, at);
            long all = await schema.ScalarAsync<long>("SELECT count(*) FROM steward.ledger"), distinct = await schema.ScalarAsync<long>("SELECT count(DISTINCT key) FROM steward.ledger");
            await caller.StopAsync();
            return new Round(claims[0], claims[^1], runs.Count, all, all - distinct, ((long)runs.Count * ScriptedAgents.Steps) - distinct, claims.Count, output.Count(l => l.Contains("fenced", StringComparison.Ordinal)));
        }
        finally
        {
            foreach (Process silo in silos)
            {
                silo.Kill();
                silo.WaitForExit();
                silo.Dispose();
            }
        }
    }

    /// <summary>Starts three runs, and again, until something is so.</summary>
    private static async Task LoadUntilAsync(IStewardClient client, List<RunHandle> runs, Func<Task<bool>> condition)
    {
        long began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(began) > s_bound)
                throw new TimeoutException("It did not come about.");
            runs.AddRange(await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => client.StartAsync("stepper", new RunRequest("go")))));
            await Task.Delay(250);
        }
    }

    private static async Task SendAsync(string signal, Process process)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
    }

    private static async Task<Process> StartAsync(string connectionString, string schema, int port, int gateway, ConcurrentQueue<string> output)
    {
        var silo = new Process { StartInfo = new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Steward.OrleansHost"), [connectionString, schema, $"{port}", $"{gateway}", Lease]) { RedirectStandardOutput = true, RedirectStandardError = true } };
        var ready = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        DataReceivedEventHandler hear = (_, line) =>
        {
            if (line.Data == "ready")
                ready.TrySetResult();
            else if (line.Data is { } said)
                output.Enqueue(said);
        };
        silo.OutputDataReceived += hear;
        silo.ErrorDataReceived += hear;
        silo.Start();
        silo.BeginOutputReadLine();
        silo.BeginErrorReadLine();
        await ready.Task.WaitAsync(s_bound);
        return silo;
    }

    /// <summary>When runs that had been claimed before were claimed again, by another worker.</summary>
    private static async Task<List<double>> TakeoversAsync(IStewardStore store, RunHandle[] runs, DateTimeOffset at)
    {
        List<double> claims = [];
        foreach (RunHandle run in runs)
        {
            string? worker = null;
            await foreach (JournalEntry entry in store.ReadAsync(run.Id))
            {
                if (entry.Event is not RunClaimed claimed)
                    continue;
                if (entry.Time > at && worker is not null && worker != claimed.Worker)
                    claims.Add((entry.Time - at).TotalSeconds);
                worker = claimed.Worker;
            }
        }

        claims.Sort();
        return claims;
    }

    private sealed record Round(double First, double Last, int Runs, long Effects, long Twice, long Lost, int Taken, int Refused);
}
