using Npgsql;
using Steward.Cli.Tests.Commands;
using Steward.Journal;
using Steward.Postgres;
using Steward.Sqlite.Tests;
using Steward.Storage;

namespace Steward.Cli.Tests.Retention;

/// <summary>Pruning of a PostgreSQL database by a process that is killed in the middle of a transaction, and started again.</summary>
public sealed class PostgresPrunerTests
{
    private const int Families = 230;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prune_ProcessIsKilledInATransaction_EachFamilyIsWholeOrArchivedAndGone()
    {
        await using PostgresFolder folder = await PostgresFolder.CreateAsync("turns: [{ say: Good morning. }]", _ => "");
        string archive = Path.Combine(folder.Path, "gone");
        string[] command = ["prune", "--older-than", "90d", "--archive", archive, "--apply"];
        List<TestRun> old, young;
        await using (PostgresStewardStore store = await OpenAsync(folder))
        {
            old = await RunsAsync(store, Families);
            await folder.ExecuteAsync("UPDATE steward.run SET updated_at = updated_at - interval '200 days'");
            young = await RunsAsync(store, 3);
        }

        // Somebody holds a row of the second batch: the transaction that deletes it waits, half done, when its process is killed.
        await using (NpgsqlConnection holder = new(folder.Store))
        {
            await holder.OpenAsync(Token);
            await using NpgsqlTransaction hold = await holder.BeginTransactionAsync(Token);
            await ExecuteAsync(holder, $"SELECT 1 FROM steward.event WHERE run = (SELECT id FROM steward.run WHERE uuid = '{old[150].Id.Value}') AND seq = 1 FOR UPDATE");
            using CliProcess process = folder.Start(command);
            await UntilAsync(async () => await folder.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'") > 0);
            await process.KillAsync();
            Assert.Equal(Families - 100 + young.Count, await CheckAsync(folder, archive, old, young));
            await hold.RollbackAsync(Token);
        }

        await UntilAsync(async () => await folder.ScalarAsync<long>("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()") == 0);
        await CheckAsync(folder, archive, old, young);

        // And once more, wherever it happens to be.
        using (CliProcess process = folder.Start(command))
        {
            await process.SeesAsync("so far");
            await process.KillAsync();
        }

        await CheckAsync(folder, archive, old, young);
        (await folder.RunAsync(command)).Is(ExitCodes.Ok);

        Assert.Equal(young.Count, await CheckAsync(folder, archive, old, young));
        Assert.Contains("every chain, payload and blob holds", (await folder.RunAsync("doctor", "--deep")).Output, StringComparison.Ordinal);
        Assert.Equal(old.Select(r => (r.Id.ToString(), r.Head.Sequence)).Order(), Archive.Read(archive).Select(a => (a.Run, a.State.Sequence)).Order());
        Assert.Empty(Directory.GetFiles(archive, "*.part"));
        Assert.Contains("Nothing was deleted", (await folder.RunAsync(command)).Output, StringComparison.Ordinal);
    }

    /// <summary>Every run is there as it was, or is gone and archived, with its whole family; and no row belongs to a run that is gone.</summary>
    /// <returns>How many roots are there.</returns>
    private static async Task<int> CheckAsync(PostgresFolder folder, string archive, List<TestRun> old, List<TestRun> young)
    {
        await using PostgresStewardStore store = await OpenAsync(folder);
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
        List<RunInfo> runs = [.. await store.FindAsync(new RunQuery { Limit = 1_000 }, Token)];
        HashSet<RunId> there = [.. runs.Select(r => r.Run)];
        Assert.Superset(young.Select(r => r.Id).ToHashSet(), there);
        Dictionary<string, long> archived = Archive.Read(archive).ToDictionary(a => a.Run, a => a.State.Sequence);
        foreach (TestRun run in old)
        {
            if (there.Contains(run.Id))
                Assert.Equal(run.Acknowledged.Count, (await TestRun.ReadAsync(store, run.Id)).Count);
            else
                Assert.Equal(run.Head.Sequence, archived[run.Id.ToString()]);
        }

        Assert.All(runs.Where(r => r.Ancestors.Count > 0), child => Assert.Contains(child.Ancestors[0], there));
        foreach (string table in (string[])["event", "signal", "snapshot", "question", "feedback"])
            Assert.Equal(0L, await folder.ScalarAsync<long>($"SELECT count(*) FROM steward.{table} t WHERE NOT EXISTS (SELECT 1 FROM steward.run r WHERE r.id = t.run)"));
        foreach (string table in (string[])["budget", "budget_part"])
            Assert.Equal(0L, await folder.ScalarAsync<long>($"SELECT count(*) FROM steward.{table} b WHERE b.scope LIKE 'run:%' AND NOT EXISTS (SELECT 1 FROM steward.run r WHERE b.scope = 'run:' || replace(r.uuid::text, '-', ''))"));
        return runs.Count(r => r.Ancestors.Count == 0);
    }

    /// <summary>Ended runs with a signal, feedback and a ceiling each; every tenth has a child.</summary>
    private static async Task<List<TestRun>> RunsAsync(PostgresStewardStore store, int count)
    {
        List<TestRun> runs = [];
        for (int i = 0; i < count; i++)
        {
            TestRun run = await TestRun.ClaimedAsync(store, start: TestRun.Start(ceilings: new BudgetCeilings { Usd = 1m }));
            runs.Add(run);
            await store.SignalAsync(new Signal("hear", run.Id, new NamedSignal("hear", null)), Token);
            if (i % 10 == 9)
                runs.Add(await EndedChildAsync(store, run));
            await run.EndAsync();
            await store.AddFeedbackAsync(new Feedback { Id = $"f{i}", Run = run.Id, Kind = FeedbackKind.Explicit, Score = 1, By = "ana", At = TimeProvider.System.GetUtcNow() }, Token);
        }

        return runs;
    }

    private static async Task<TestRun> EndedChildAsync(PostgresStewardStore store, TestRun parent)
    {
        RunStart start = TestRun.Start();
        start = start with { Entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, start.Started with { Parent = new RunParent([parent.Id], 1, 0) }, start.Entry.Time) };
        Assert.IsType<AppendResult.Committed>(await parent.AppendAsync(parent.Batch() with { Starts = [start] }));
        TestRun child = await TestRun.ClaimedAsync(store, start: start);
        await child.EndAsync();
        return child;
    }

    private static Task<PostgresStewardStore> OpenAsync(PostgresFolder folder) => PostgresStewardStore.OpenAsync(new PostgresStoreOptions { ConnectionString = folder.Store }, cancellationToken: Token);

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql)
    {
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync(Token);
    }

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        for (int i = 0; !await condition(); i++)
        {
            Assert.True(i < 1_200, "It never happened.");
            await Task.Delay(50, Token);
        }
    }
}
