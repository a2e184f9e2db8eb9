using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Steward.Tests.Shared;

/// <summary>A disk that misbehaves for one process: strace changes the answers of system calls on the database and its log.</summary>
/// <param name="database">The database's path; its log stands beside it.</param>
/// <param name="trace">The file in which the tracer writes down the calls.</param>
/// <param name="inject">What happens, as <c>strace -e inject=</c> takes it; calls are counted for each thread.</param>
/// <param name="calls">The calls that are traced. <c>write</c> is the witness's, which nobody else makes on these files.</param>
internal sealed partial class SyncFault(string database, string trace, string inject, string calls = "fsync,pwrite64,ftruncate")
{
    /// <summary>How to start a program under it. The tracer stands beside the program, which keeps its process id and exit code.</summary>
    public ProcessStartInfo Start(string program, params string[] arguments) => new(
        "strace",
        ["-D", "-f", "--seccomp-bpf", "-qq", "-y", "-T", "-o", trace, "-e", $"trace={calls}", "-e", $"inject={inject}", "-P", database, "-P", $"{database}-wal", "-P", $"{database}-witness", program, .. arguments]);

    /// <summary>Calls that were answered otherwise than by the kernel.</summary>
    public int Injected => Lines().Count(line => line.Contains("(INJECTED)", StringComparison.Ordinal));

    /// <summary>Syncs that took a second or more.</summary>
    public int Slow => Lines().Count(line => line.Contains("fsync", StringComparison.Ordinal) && SecondsOrMore().IsMatch(line));

    /// <summary>For each failed sync of the log, whether the next write into the log began it anew.</summary>
    public IEnumerable<bool> LogsBegunAnew()
    {
        string[] log = [.. Lines().Where(line => line.Contains("-wal>", StringComparison.Ordinal))];
        for (int i = 0; i < log.Length; i++)
        {
            if (log[i].Contains("fsync", StringComparison.Ordinal) && log[i].Contains("(INJECTED)", StringComparison.Ordinal)
                && log.Skip(i + 1).FirstOrDefault(line => line.Contains("pwrite64(", StringComparison.Ordinal)) is { } next)
                yield return LogHeader().IsMatch(next);
        }
    }

    private string[] Lines() => File.ReadAllLines(trace);

    [GeneratedRegex(@"<[1-9]\d*\.\d+>$")]
    private static partial Regex SecondsOrMore();

    /// <summary>The 32 bytes at the very beginning.</summary>
    [GeneratedRegex(@", 32, 0[) ]")]
    private static partial Regex LogHeader();
}
