using System.Diagnostics;
using System.Globalization;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Sqlite.Tests.Crash;

/// <summary>A run in a process of its own, which is started again until the run is done.</summary>
internal sealed class CrashedRun(TestFolder folder, string key, bool probe, int steps, Random random)
{
    private readonly string _database = folder.Database;
    private readonly string _ledger = Path.Combine(folder.Folder, "ledger.txt");
    private int _latestKill = 900;

    public int Kills { get; private set; }

    public int Starts { get; private set; }

    /// <summary>What happens to the first process.</summary>
    public SyncFault? Fault { get; init; }

    /// <summary>What that process said.</summary>
    public string First { get; private set; } = "";

    public async Task<(int Exit, string Text)> RunUntilDoneAsync(int mostKills, CancellationToken cancellationToken)
    {
        string[] answer = [];
        while (true)
        {
            (int exit, string text) = await StartAsync(answer, Kills < mostKills, cancellationToken);
            if (exit is 0 or 1)
                return (exit, text);
            if (exit != 3)
                continue;
            // The person looks at the world, and says what happened.
            string[] question = text.Trim().Split(' ');
            answer = ["answer", question[0], Ledger().Any(l => l.Key == question[1]) ? nameof(Answer.Happened) : nameof(Answer.DidNotHappen)];
        }
    }

    public void AssertEachEffectOnce()
    {
        (string Key, int N)[] lines = Ledger();
        Assert.Equal(Enumerable.Range(0, steps), lines.Select(l => l.N).Order());
        Assert.Equal(steps, lines.DistinctBy(l => l.Key).Count());
    }

    public async Task<int> CountAsync(Predicate<RunEvent> which)
    {
        await using SqliteStewardStore store = await SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = _database }, TimeProvider.System);
        RunInfo info = Assert.Single(await store.FindAsync(new RunQuery()));
        RunState state = RunState.Empty(info.Run);
        int count = 0;
        await foreach (JournalEntry entry in store.ReadAsync(info.Run))
        {
            state = RunJournal.Fold(state, entry);
            count += which(entry.Event) ? 1 : 0;
        }

        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(default, state.Reserved);
        return count;
    }

    private (string Key, int N)[] Ledger() => !File.Exists(_ledger) ? [] :
        [.. File.ReadLines(_ledger).Select(line => (line.Split(' ')[0], int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture)))];

    private async Task<(int Exit, string Text)> StartAsync(string[] answer, bool kill, CancellationToken cancellationToken)
    {
        string host = Path.Combine(AppContext.BaseDirectory, "Steward.CrashHost.dll");
        string[] arguments = [host, _database, _ledger, key, probe ? "probe" : "none", $"{steps}", .. answer];
        ProcessStartInfo start = Starts++ == 0 && Fault is not null ? Fault.Start("dotnet", arguments) : new("dotnet", arguments);
        start.RedirectStandardOutput = start.RedirectStandardError = true;
        using Process process = Process.Start(start)!;
        Task<string> errors = process.StandardError.ReadToEndAsync(cancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        await process.StandardOutput.ReadLineAsync(limit.Token);
        Task<string> text = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task exited = process.WaitForExitAsync(limit.Token);
        if (kill)
        {
            // From before the claim to after the last step: the random moment is the point of the test.
            int before = Ledger().Length;
            await Task.WhenAny(exited, Task.Delay(random.Next(0, _latestKill), cancellationToken));
            if (!process.HasExited)
            {
                process.Kill();
                Kills++;
                // On a slow machine a process needs longer to get anywhere: then kills come later, too.
                if (Ledger().Length == before)
                    _latestKill += _latestKill / 2;
            }
        }

        await exited;
        if (Starts == 1)
            First = await text + await errors;
        return (process.ExitCode, await text + await errors);
    }
}
