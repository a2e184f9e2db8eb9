using System.Diagnostics;
using System.Runtime.CompilerServices;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Sqlite.Tests;

/// <summary>This test program, started a second time to append to a database until it is done or killed.</summary>
internal sealed class ChildProcess : IDisposable
{
    private const string Variable = "STEWARD_SQLITE_CHILD";
    private readonly Process _process;

    private ChildProcess(Process process) => _process = process;

    [ModuleInitializer]
    internal static void ActAsChild()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { } order)
            return;
        string[] parts = order.Split('|');
        Append(parts[0], int.Parse(parts[1]));
        Environment.Exit(0);
    }

    public static ChildProcess Start(string database, int appends, SyncFault? fault = null)
    {
        string program = Path.Combine(AppContext.BaseDirectory, "Steward.Sqlite.Tests");
        ProcessStartInfo start = fault is null ? new(program) : fault.Start(program);
        start.RedirectStandardOutput = true;
        start.Environment[Variable] = $"{database}|{appends}";
        return new ChildProcess(Process.Start(start)!);
    }

    /// <summary>What the child said was acknowledged, up to its end.</summary>
    public async Task<List<(RunId Run, long Sequence)>> ReadAllAsync(CancellationToken cancellationToken)
    {
        List<(RunId, long)> lines = [];
        while (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
            lines.Add(Parse(line));
        return lines;
    }

    /// <summary>Kills the child as soon as it has acknowledged so much; returns all that it said before it died.</summary>
    public async Task<List<(RunId Run, long Sequence)>> ReadThenKillAsync(int count, CancellationToken cancellationToken)
    {
        List<(RunId, long)> lines = [];
        while (await _process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (!line.EndsWith('.'))
                break;
            lines.Add(Parse(line));
            if (lines.Count == count)
                _process.Kill();
        }

        await _process.WaitForExitAsync(cancellationToken);
        return lines;
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.Dispose();
    }

    private static (RunId, long) Parse(string line)
    {
        string[] parts = line.TrimEnd('.').Split(' ');
        return (RunId.Parse(parts[0]), long.Parse(parts[1]));
    }

    /// <summary>On this one thread alone: other threads may not enter this module before its initializer has ended.</summary>
    private static void Append(string database, int appends)
    {
        SqliteStewardStore store = SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = database }, TimeProvider.System).GetAwaiter().GetResult();
        RunStart start = TestRun.Start();
        store.StartAsync(start).AsTask().GetAwaiter().GetResult();
        Claim? claim = store.ClaimOneAsync(new ClaimRequest { Worker = "child", Duration = TimeSpan.FromMinutes(10), Run = start.Run }).AsTask().GetAwaiter().GetResult();
        Console.Out.WriteLine($"{start.Run} 1.");
        JournalEntry head = start.Entry;
        for (int i = 0; i < appends; i++)
        {
            head = JournalEntry.Create(start.Run, head.Sequence + 1, head.Hash, new GuidanceAdded(Guidance.WrapUp, new string('x', 500)), TimeProvider.System.GetUtcNow());
            store.AppendAsync(new RunBatch { Lease = claim!.Lease, ExpectedSequence = head.Sequence - 1, Entries = [head], Status = RunStatus.Executing, Reason = "working" }).AsTask().GetAwaiter().GetResult();
            Console.Out.WriteLine($"{start.Run} {head.Sequence}.");
        }

        store.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
