using System.Diagnostics;
using System.Globalization;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Sqlite.Tests.Crash;

/// <summary>A real process, killed with SIGKILL at random moments and started again until its run is done.</summary>
public sealed class KillTests(ITestOutputHelper output)
{
    private const int Steps = 30;
    private const int Lanes = 2;

    [Fact]
    public async Task C9_Run_KilledAtRandomMoments_WithProbe_NoDuplicateNoLostNoStuck()
    {
        int runs = Asked("STEWARD_KILL_RUNS") ?? 50;
        int kills = 0, reconciled = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, runs), new ParallelOptions { MaxDegreeOfParallelism = Lanes, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancellationToken) =>
        {
            using var folder = new TestFolder();
            var crash = new CrashedRun(folder, $"run-{i}", probe: true, new Random(1_000 + i));
            (int exit, string text) = await crash.RunUntilDoneAsync(mostKills: 12, cancellationToken);
            Assert.True(exit == 0, $"Run {i} ended with {exit}: {text}");
            crash.AssertEachEffectOnce(Steps);
            Interlocked.Add(ref kills, crash.Kills);
            Interlocked.Add(ref reconciled, await crash.CountAsync(e => e is ToolResolved { By: "probe" }));
        });
        output.WriteLine($"{runs} runs of {Steps} steps, {kills} kills, {reconciled} lost results settled by the probe, 0 duplicate, 0 lost, 0 stuck.");
        Assert.True(kills >= runs, $"Only {kills} kills hit: the test did not test much.");
    }

    [Fact]
    public async Task C9_Run_KilledAtRandomMoments_WithoutProbe_EveryAmbiguousCallAsksNoneRepeats()
    {
        const int Runs = 10;
        int kills = 0, asked = 0;
        await Parallel.ForEachAsync(Enumerable.Range(0, Runs), new ParallelOptions { MaxDegreeOfParallelism = Lanes, CancellationToken = TestContext.Current.CancellationToken }, async (i, cancellationToken) =>
        {
            using var folder = new TestFolder();
            var crash = new CrashedRun(folder, $"run-{i}", probe: false, new Random(2_000 + i));
            (int exit, string text) = await crash.RunUntilDoneAsync(mostKills: 8, cancellationToken);
            Assert.True(exit == 0, $"Run {i} ended with {exit}: {text}");
            crash.AssertEachEffectOnce(Steps);
            int lost = await crash.CountAsync(e => e is QuestionAsked { Kind: QuestionKind.OutcomeUnknown });
            Assert.Equal(lost, await crash.CountAsync(e => e is QuestionAnswered));
            Assert.Equal(0, await crash.CountAsync(e => e is ToolResolved));
            Interlocked.Add(ref kills, crash.Kills);
            Interlocked.Add(ref asked, lost);
        });
        output.WriteLine($"{Runs} runs of {Steps} steps, {kills} kills, {asked} questions asked and answered, 0 duplicate, 0 lost.");
        Assert.True(asked > 0, "No kill hit a call in flight: the test did not test anything.");
    }

    /// <summary>A number from the environment, for a longer test than CI makes.</summary>
    private static int? Asked(string variable) => int.TryParse(Environment.GetEnvironmentVariable(variable), CultureInfo.InvariantCulture, out int number) ? number : null;

    private sealed class CrashedRun(TestFolder folder, string key, bool probe, Random random)
    {
        private readonly string _database = folder.Database;
        private readonly string _ledger = Path.Combine(folder.Folder, "ledger.txt");

        public int Kills { get; private set; }

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

        public void AssertEachEffectOnce(int steps)
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
            var start = new ProcessStartInfo("dotnet", [host, _database, _ledger, key, probe ? "probe" : "none", $"{Steps}", .. answer]) { RedirectStandardOutput = true, RedirectStandardError = true };
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
                await Task.WhenAny(exited, Task.Delay(random.Next(0, 900), cancellationToken));
                if (!process.HasExited)
                {
                    process.Kill();
                    Kills++;
                }
            }

            await exited;
            return (process.ExitCode, await text + await errors);
        }
    }
}
