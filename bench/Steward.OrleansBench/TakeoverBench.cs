using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Steward.Hosting;
using Steward.OrleansHost;
using Steward.Runs;
using Steward.Storage;

namespace Steward.OrleansBench;

/// <summary>From the end of a silo's process, or its freeze, to the claims of its runs by another one. Three silos; the lease is 5 seconds.</summary>
internal static class TakeoverBench
{
    private const int Runs = 40;
    private const string Lease = "5";

    public static async Task RunAsync(string connectionString)
    {
        await MeasureAsync("kill -9", "KILL", connectionString);
        await MeasureAsync("a freeze (SIGSTOP)", "STOP", connectionString);
    }

    private static async Task MeasureAsync(string name, string signal, string connectionString)
    {
        await using BenchSchema schema = await BenchSchema.CreateAsync(connectionString, "orleans_bench");
        Process[] silos = [.. await Task.WhenAll(Enumerable.Range(0, 3).Select(i => StartAsync(connectionString, schema.Name, 21_211 + i, 23_100 + i)))];
        try
        {
            using IHost caller = TestSilo.BuildClient(connectionString, schema.Name);
            await caller.StartAsync();
            var client = caller.Services.GetRequiredService<IStewardClient>();
            RunHandle[] runs = await Task.WhenAll(Enumerable.Range(0, Runs).Select(_ => client.StartAsync("sleeper", new RunRequest("go"))));
            while (await schema.ScalarAsync<long>("SELECT count(*) FROM steward.event WHERE type = 'tool.started'") < Runs)
                await Task.Delay(50);

            DateTimeOffset at = TimeProvider.System.GetUtcNow();
            Process.Start("kill", [$"-{signal}", silos[0].Id.ToString(CultureInfo.InvariantCulture)]).WaitForExit();
            await Task.Delay(TimeSpan.FromSeconds(20));
            List<double> taken = await ClaimsAfterAsync(caller.Services.GetRequiredService<IStewardStore>(), runs, at);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"| {name} → its runs claimed elsewhere (lease {Lease} s) | {taken[taken.Count / 2]:0.0} s | {taken[^1]:0.0} s (last) | {taken.Count} of {Runs} runs |"));
            await caller.StopAsync();
        }
        finally
        {
            foreach (Process silo in silos)
            {
                silo.Kill();
                silo.WaitForExit();
            }
        }
    }

    private static async Task<Process> StartAsync(string connectionString, string schema, int port, int gateway)
    {
        var silo = Process.Start(new ProcessStartInfo(Path.Combine(AppContext.BaseDirectory, "Steward.OrleansHost"), [connectionString, schema, $"{port}", $"{gateway}", Lease]) { RedirectStandardOutput = true })!;
        while (await silo.StandardOutput.ReadLineAsync() is { } line && line != "ready")
            await Console.Error.WriteLineAsync(line);
        return silo;
    }

    private static async Task<List<double>> ClaimsAfterAsync(IStewardStore store, RunHandle[] runs, DateTimeOffset at)
    {
        List<double> claims = [];
        foreach (RunHandle run in runs)
        {
            await foreach (JournalEntry entry in store.ReadAsync(run.Id))
            {
                if (entry.Event is RunClaimed && entry.Time > at)
                    claims.Add((entry.Time - at).TotalSeconds);
            }
        }

        claims.Sort();
        return claims;
    }
}
