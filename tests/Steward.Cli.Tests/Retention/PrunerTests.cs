using System.Runtime.CompilerServices;
using Steward.Cli.Retention;
using Steward.Cli.Tests.Commands;
using Steward.Journal;
using Steward.Sqlite;
using Steward.Sqlite.Tests;
using Steward.Storage;
using Steward.Testing;

namespace Steward.Cli.Tests.Retention;

/// <summary>Pruning that is stopped in the middle, and asked for again.</summary>
public sealed class PrunerTests : IDisposable
{
    private static readonly RetentionQuery s_query = new(TimeSpan.FromDays(90));

    private readonly string _folder = Directory.CreateTempSubdirectory("steward-prune-").FullName;

    private string Database => Path.Combine(_folder, "runs.db");

    private string ArchiveFolder => Path.Combine(_folder, "archive");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prune_StoreFailsAtEachStep_EachFamilyIsWholeOrArchivedAndGone()
    {
        List<TestRun> old = await OldRunsAsync(230), young = await YoungRunsAsync(3);
        bool done = false;
        int failures = 0;
        for (int step = 1; !done; step++)
        {
            await using SqliteStewardStore store = await OpenAsync(TimeProvider.System);
            try
            {
                await new Pruner(new FailingStore(store, step), new JournalArchive(store, ArchiveFolder), _ => { }).ApplyAsync(s_query, Token);
                done = true;
            }
            catch (IOException)
            {
                failures++;
            }

            await CheckAsync(store, old, young);
        }

        Assert.True(failures >= 3, $"Only {failures} steps failed.");
        await using SqliteStewardStore after = await OpenAsync(TimeProvider.System);
        Assert.Equal(young.Select(r => r.Id), (await after.FindAsync(new RunQuery { Limit = 1_000 }, Token)).Select(r => r.Run).Reverse());
    }

    [Fact]
    public async Task Prune_ProcessIsKilledAgainAndAgain_EachFamilyIsWholeOrArchivedAndGone()
    {
        List<TestRun> old = await OldRunsAsync(360), young = await YoungRunsAsync(3);
        string[] command = ["prune", "--older-than", "90d", "--archive", ArchiveFolder, "--apply", "--store", Database];
        for (int kills = 0; kills < 3; kills++)
        {
            using CliProcess process = CliProcess.Start(_folder, command);
            await process.SeesAsync("so far");
            await process.KillAsync();
            await using SqliteStewardStore store = await OpenAsync(TimeProvider.System);
            await CheckAsync(store, old, young);
        }

        (await CliHost.RunAsync(_folder, command)).Is(ExitCodes.Ok);

        (await CliHost.RunAsync(_folder, "doctor", "--deep", "--store", Database)).Is(ExitCodes.Ok);
        await using SqliteStewardStore after = await OpenAsync(TimeProvider.System);
        await CheckAsync(after, old, young);
        Assert.Equal(young.Select(r => r.Id), (await after.FindAsync(new RunQuery { Limit = 1_000 }, Token)).Select(r => r.Run).Reverse());
        Assert.Equal(old.Select(r => (r.Id.ToString(), r.Head.Sequence)).Order(), Archive.Read(ArchiveFolder).Select(a => (a.Run, a.State.Sequence)).Order());
        Assert.Empty(Directory.GetFiles(ArchiveFolder, "*.part"));
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    /// <summary>Every run is there as it was, or is gone and archived, with its whole family.</summary>
    private async Task CheckAsync(SqliteStewardStore store, List<TestRun> old, List<TestRun> young)
    {
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
        HashSet<RunId> there = [.. (await store.FindAsync(new RunQuery { Limit = 1_000 }, Token)).Select(r => r.Run)];
        Assert.Superset(young.Select(r => r.Id).ToHashSet(), there);
        Dictionary<string, long> archived = Directory.Exists(ArchiveFolder) ? Archive.Read(ArchiveFolder).ToDictionary(a => a.Run, a => a.State.Sequence) : [];
        foreach (TestRun run in old)
        {
            if (there.Contains(run.Id))
                Assert.Equal(run.Acknowledged.Count, (await TestRun.ReadAsync(store, run.Id)).Count);
            else
                Assert.Equal(run.Head.Sequence, archived[run.Id.ToString()]);
        }

        foreach (RunInfo child in (await store.FindAsync(new RunQuery { Limit = 1_000 }, Token)).Where(r => r.Ancestors.Count > 0))
            Assert.Contains(child.Ancestors[0], there);
    }

    private Task<List<TestRun>> OldRunsAsync(int count) => RunsAsync(count, new ManualTimeProvider(TimeProvider.System.GetUtcNow() - TimeSpan.FromDays(200)));

    private Task<List<TestRun>> YoungRunsAsync(int count) => RunsAsync(count, TimeProvider.System);

    /// <summary>Ended runs; every tenth has a child.</summary>
    private async Task<List<TestRun>> RunsAsync(int count, TimeProvider time)
    {
        await using SqliteStewardStore store = await OpenAsync(time);
        List<TestRun> runs = [];
        for (int i = 0; i < count; i++)
        {
            TestRun run = await TestRun.ClaimedAsync(store);
            runs.Add(run);
            if (i % 10 == 9)
                runs.Add(await EndedChildAsync(store, run));
            await run.EndAsync();
        }

        return runs;
    }

    private static async Task<TestRun> EndedChildAsync(SqliteStewardStore store, TestRun parent)
    {
        RunStart start = TestRun.Start();
        start = start with { Entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, start.Started with { Parent = new RunParent([parent.Id], 1, 0) }, start.Entry.Time) };
        Assert.IsType<AppendResult.Committed>(await parent.AppendAsync(parent.Batch() with { Starts = [start] }));
        TestRun child = await TestRun.ClaimedAsync(store, start: start);
        await child.EndAsync();
        return child;
    }

    private Task<SqliteStewardStore> OpenAsync(TimeProvider time) =>
        SqliteStewardStore.OpenAsync(new SqliteStoreOptions { Path = Database, Durability = SqliteDurability.Normal }, time, cancellationToken: Token);

    /// <summary>Fails its Nth step: before or after a deletion, or while families are being found.</summary>
    private sealed class FailingStore(IRetentionStore inner, int failing) : IRetentionStore
    {
        private int _step;

        public async IAsyncEnumerable<EndedFamily> EndedAsync(RetentionQuery query, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        {
            int found = 0;
            await foreach (EndedFamily family in inner.EndedAsync(query, cancellationToken))
            {
                if (found++ % 100 == 50)
                    Step();
                yield return family;
            }
        }

        public async ValueTask<IReadOnlyList<RunId>> PruneAsync(IReadOnlyCollection<RunId> roots, TimeSpan olderThan, CancellationToken cancellationToken = default)
        {
            Step();
            IReadOnlyList<RunId> gone = await inner.PruneAsync(roots, olderThan, cancellationToken);
            Step();
            return gone;
        }

        public ValueTask<BlobSweep> SweepBlobsAsync(bool apply, CancellationToken cancellationToken = default) => inner.SweepBlobsAsync(apply, cancellationToken);

        private void Step()
        {
            if (++_step == failing)
                throw new IOException("The connection is gone.");
        }
    }
}
