using Xunit;

namespace Steward.Tests.Shared;

/// <summary>Things that a test needs and a machine may lack: without one the test is skipped, or fails where <c>STEWARD_REQUIRE</c> names it.</summary>
internal static partial class Requirement
{
    /// <summary>Node.js on the path, and the modules of a folder with a package.json.</summary>
    public static void Node(string? folder = null)
    {
        if (!OnPath("node"))
            Missing("node", "Node.js is not on the path.");

        if (folder is not null && !Directory.Exists(Path.Combine(folder, "node_modules")))
            Missing("node", $"'{folder}' has no node_modules: run 'npm ci --ignore-scripts' there.");
    }

    /// <summary>The program <c>strace</c>, and leave to trace.</summary>
    public static void Strace()
    {
        if (!OnPath("strace"))
            Missing("strace", "strace is not on the path.");
        using var trial = System.Diagnostics.Process.Start(new System.Diagnostics.ProcessStartInfo("strace", ["-qq", "-o", "/dev/null", "true"]) { RedirectStandardError = true })!;
        trial.WaitForExit();
        if (trial.ExitCode != 0)
            Missing("strace", "strace may not trace processes here.");
    }

    /// <summary>That a process hears Ctrl-C: one that ignores SIGINT on entry (<c>nohup</c>, a background job) hands that on to all it starts.</summary>
    public static void Interrupts()
    {
        const int Sigint = 2;
        string ignored = !File.Exists("/proc/self/status") ? "0" : File.ReadLines("/proc/self/status").Single(l => l.StartsWith("SigIgn:", StringComparison.Ordinal))["SigIgn:".Length..];
        if ((Convert.ToUInt64(ignored.Trim(), 16) >> (Sigint - 1) & 1) == 1)
            Missing("sigint", "SIGINT is ignored here (nohup, or a background job), and in every process that the test starts.");
    }

    private static bool OnPath(string program) =>
        (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
            .Any(folder => File.Exists(Path.Combine(folder, program)) || File.Exists(Path.Combine(folder, program + ".exe")));

    private static void Missing(string name, string reason)
    {
        var required = (Environment.GetEnvironmentVariable("STEWARD_REQUIRE") ?? "").Split(',', StringSplitOptions.TrimEntries);
        if (required.Contains(name))
            Assert.Fail($"{reason} STEWARD_REQUIRE names '{name}'.");

        Assert.Skip(reason);
    }
}
