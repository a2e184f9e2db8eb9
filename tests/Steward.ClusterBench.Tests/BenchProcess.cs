using System.Diagnostics;

namespace Steward.ClusterBench.Tests;

/// <summary>The bench, as its one command runs it.</summary>
internal static class BenchProcess
{
    public static async Task<(int Exit, string Table, string Log)> RunAsync(params string[] args)
    {
        ProcessStartInfo start = new(Path.Combine(AppContext.BaseDirectory, "Steward.ClusterBench"), args) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> log = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        string table = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (process.ExitCode, table, await log);
    }
}
