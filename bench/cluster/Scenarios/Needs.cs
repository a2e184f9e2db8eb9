using System.Diagnostics;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Scenarios;

/// <summary>What a scenario needs and a machine may lack: null when it is there, otherwise the reason why the scenario is skipped.</summary>
internal static class Needs
{
    public static string? Nothing() => null;

    public static string? Postgres() => PostgresServer.FindBin() is null ? "PostgreSQL is not installed in /usr/lib/postgresql" : null;

    public static string? Pooler() => Postgres() ?? (PgBouncer.Find() is null ? "PgBouncer is not installed (/usr/sbin/pgbouncer)" : null);

    public static string? Strace() => Works("strace", "-qq", "-o", "/dev/null", "true") ? null : "strace is not on the path, or may not trace processes here";

    public static string? Tmpfs() => Works("unshare", "-m", "mount", "-t", "tmpfs", "none", "/mnt") ? null : "a tmpfs can only be mounted by root";

    public static string? Netns() => Postgres() ?? (Works("unshare", "-n", "ip", "link") && Environment.UserName == "root" ? null : "network namespaces need root and the program ip");

    public static string? Compiler() => Postgres() ?? (Works("gcc", "--version") ? null : "gcc is not on the path");

    private static bool Works(string program, params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            process.StandardOutput.ReadToEnd();
            process.WaitForExit();
            return process.ExitCode == 0;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return false;
        }
    }
}
