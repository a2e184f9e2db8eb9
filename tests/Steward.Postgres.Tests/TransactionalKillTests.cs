using System.Diagnostics;
using Steward.Journal;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Postgres.Tests;

/// <summary>A real process whose tool writes in the journal's transaction, killed with SIGKILL at random moments and started again until its run is done.</summary>
public sealed class TransactionalKillTests(ITestOutputHelper output) : IAsyncDisposable
{
    private const int Steps = 15;
    private const int MostKills = 4;
    private static readonly int s_runs = SuiteSize.Of(3, 5);
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    [Fact]
    public async Task Run_KilledAtRandomMoments_EveryEffectIsThereExactlyOnceAndNobodyIsAsked()
    {
        CancellationToken cancellationToken = TestContext.Current.CancellationToken;
        await using PostgresStewardStore store = await _schema.OpenAsync();
        await _schema.ExecuteAsync("CREATE TABLE steward.effect (key text NOT NULL, n integer NOT NULL)");
        int kills = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, s_runs), new ParallelOptions { MaxDegreeOfParallelism = 2, CancellationToken = cancellationToken }, async (i, cancelled) =>
        {
            var random = new Random(3_000 + i);
            for (int attempt = 0; ; attempt++)
            {
                (int exit, bool killed) = await StartAsync($"run-{i}", attempt < MostKills ? (random.Next(1, 4), random.Next(0, 30)) : null, cancelled);
                if (killed)
                    Interlocked.Increment(ref kills);
                else if (exit == 0)
                    return;
                else
                    Assert.Fail($"Run {i} ended with {exit}.");
            }
        });

        Assert.True(kills >= 2 * s_runs, $"Only {kills} kills hit.");
        Assert.Equal((long)(s_runs * Steps), await _schema.ScalarAsync<long>("SELECT count(*) FROM steward.effect"));
        Assert.Equal((long)(s_runs * Steps), await _schema.ScalarAsync<long>("SELECT count(DISTINCT key) FROM steward.effect"));
        int again = 0;
        foreach (RunInfo run in await store.FindAsync(new RunQuery(), cancellationToken))
        {
            List<JournalEntry> journal = await TestRun.ReadAsync(store, run.Run);
            Assert.Equal(Steps, journal.Count(e => e.Event is ToolReturned));
            Assert.DoesNotContain(journal, e => e.Event is QuestionAsked or ToolResolved);
            again += journal.Count(e => e.Event is ToolStarted { Attempt: > 1 });
        }

        Assert.True(again > 0, "No kill hit a call in flight: the test did not test anything.");
        output.WriteLine($"{s_runs} runs of {Steps} steps, {kills} kills, {again} calls made again, {s_runs * Steps} rows, each once, nobody asked.");
    }

    /// <param name="key">The run.</param>
    /// <param name="kill">After how many calls the process is killed, and how many milliseconds after the last of them began; null to let it live.</param>
    /// <param name="cancellationToken">Ends the test.</param>
    private async Task<(int Exit, bool Killed)> StartAsync(string key, (int Calls, int Ms)? kill, CancellationToken cancellationToken)
    {
        string program = Path.Combine(new DirectoryInfo(AppContext.BaseDirectory).Parent!.Parent!.FullName, "Steward.CrashHost", new DirectoryInfo(AppContext.BaseDirectory).Name, "Steward.CrashHost.dll");
        var start = new ProcessStartInfo("dotnet", [program, "transactional", _schema.Options.ConnectionString!, _schema.Name, key, $"{Steps}"]) { RedirectStandardOutput = true, RedirectStandardError = true };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        bool killed = false;
        int calls = 0;
        while (await process.StandardOutput.ReadLineAsync(cancellationToken) is { } line)
        {
            if (line != "call" || ++calls != kill?.Calls)
                continue;
            await Task.Delay(kill.Value.Ms, cancellationToken); // From before the statement to after the commit: the random moment is the point of the test.
            process.Kill();
            killed = true;
        }

        await process.WaitForExitAsync(cancellationToken);
        return killed || process.ExitCode is 0 or 1 or 3 ? (process.ExitCode, killed) : throw new InvalidOperationException(await error);
    }
}
