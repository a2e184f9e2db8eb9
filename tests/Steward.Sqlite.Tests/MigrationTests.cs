using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

public sealed class MigrationTests : IDisposable
{
    private static readonly Migration s_next = new(Schema.Migrations[^1].Version + 1, "CREATE TABLE later (id INTEGER PRIMARY KEY); ALTER TABLE run ADD COLUMN mood TEXT NOT NULL DEFAULT 'calm'");
    private readonly TestFolder _folder = new();

    private static IReadOnlyList<Migration> Later => [.. Schema.Migrations, s_next];

    [Fact]
    public void Migrations_Released_AreNumberedWithoutGaps() =>
        Assert.Equal(Enumerable.Range(1, Schema.Migrations.Count), Schema.Migrations.Select(m => m.Version));

    [Fact]
    public async Task Open_OldFile_IsMigratedAndKeepsItsRuns()
    {
        TestRun run = await MakeOldFileAsync();
        await using SqliteStewardStore store = await OpenAsync(Later);
        Assert.Equal(4, (await TestRun.ReadAsync(store, run.Id)).Count);
        using Db db = Db.Open(_folder.Database, TimeSpan.Zero);
        Assert.Equal("calm", db.Text("SELECT mood FROM run"));
        Assert.Equal(s_next.Version, db.Number("SELECT max(version) FROM schema_version"));
    }

    [Fact]
    public async Task Open_FileFromBeforeLabelsWereInRows_FindsItsRunsByTheirLabels()
    {
        RunId inRow, inBlob, bare;
        using (Db old = Schema.OpenWriter(_folder.Options))
        {
            Schema.Migrate(old, [.. Schema.Migrations.Take(6)], TimeProvider.System);
            inRow = Insert(old, 1, "hi", inBlob: false, ("ticket", "991"));
            inBlob = Insert(old, 2, "hi", inBlob: true, ("ticket", "991"), ("team", "Grüße"));
            bare = Insert(old, 3, "\"labels\":{\"ticket\":\"991\"}", inBlob: false);
        }

        await using SqliteStewardStore store = await _folder.OpenAsync();

        Assert.Equal([inBlob, inRow], await FindAsync(store, new() { ["ticket"] = "991" }));
        Assert.Equal([inBlob], await FindAsync(store, new() { ["team"] = "Grüße" }));
        Assert.Equal([bare, inBlob, inRow], await FindAsync(store, []));
    }

    [Fact]
    public async Task Open_NewerFile_IsRefusedWithTheRemedy()
    {
        await (await OpenAsync(Later)).DisposeAsync();
        StoreException error = await Assert.ThrowsAsync<StoreException>(() => _folder.OpenAsync());
        Assert.Equal(StoreFailure.NewerSchema, error.Failure);
        Assert.Contains("newer Steward", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Migration_Fails_LeavesTheOldVersionIntact()
    {
        TestRun run = await MakeOldFileAsync();
        Migration broken = s_next with { Sql = s_next.Sql + "; INSERT INTO nowhere VALUES (1)" };
        await Assert.ThrowsAsync<StoreException>(() => OpenAsync([.. Schema.Migrations, broken]));
        await AssertOldAsync(run);
    }

    [Fact]
    public async Task C8_Migration_ProcessDiesInside_LeavesTheOldVersionIntact()
    {
        TestRun run = await MakeOldFileAsync();
        using TestFolder copy = new();
        using (Db dying = Schema.OpenWriter(_folder.Options))
        {
            // The cache is too small for the change, so half of it is on the disk when the files are copied.
            dying.Execute($"PRAGMA cache_size = 5; BEGIN EXCLUSIVE; {s_next.Sql}; CREATE TABLE big AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < 2000) SELECT x, zeroblob(500) AS z FROM n");
            Assert.True(new FileInfo(_folder.Log).Length > 100_000);
            File.Copy(_folder.Database, copy.Database);
            File.Copy(_folder.Log, copy.Log);
            dying.Execute("ROLLBACK");
        }

        await using SqliteStewardStore store = await copy.OpenAsync();
        Assert.Equal(4, (await TestRun.ReadAsync(store, run.Id)).Count);
        Assert.Empty(await store.VerifyAsync(cancellationToken: TestContext.Current.CancellationToken));
    }

    public void Dispose() => _folder.Dispose();

    private async Task<TestRun> MakeOldFileAsync()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(store);
        await run.AppendAsync(3);
        return run;
    }

    private async Task AssertOldAsync(TestRun run)
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        Assert.Equal(4, (await TestRun.ReadAsync(store, run.Id)).Count);
        using Db db = Db.Open(_folder.Database, TimeSpan.Zero);
        Assert.Equal(0, db.Number("SELECT count(*) FROM sqlite_schema WHERE name = 'later'"));
    }

    private static async Task<RunId[]> FindAsync(SqliteStewardStore store, Dictionary<string, string> labels) =>
        [.. (await store.FindAsync(new RunQuery { Labels = labels }, TestContext.Current.CancellationToken)).Select(r => r.Run)];

    private static RunId Insert(Db db, long id, string text, bool inBlob, params (string Name, string Value)[] labels)
    {
        RunStart start = TestRun.Start();
        RunStarted started = start.Started with
        {
            Input = [new TextPart(text)],
            Labels = labels.Length == 0 ? null : labels.ToDictionary(l => l.Name, l => l.Value),
        };
        JournalEntry entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, started, TimeProvider.System.GetUtcNow());
        db.Prepare("""
            INSERT INTO run (id, uuid, tenant, agent, version, status, reason, epoch, attempts, head, head_hash, created_at, updated_at)
            VALUES (?1, ?2, 'acme', 'support', '1', 'planning', 'started', 0, 0, 1, ?3, 1, 1)
            """)
            .Bind(1, id).Bind(2, start.Run.Value).Bind(3, entry.Hash.Span).Execute();
        db.Prepare("""
            INSERT INTO event (run, seq, type, time, in_blob, hash, payload_hash, payload)
            VALUES (?1, 1, 'run.started', 1, ?2, ?3, ?4, CASE WHEN ?2 THEN NULL ELSE ?5 END)
            """)
            .Bind(1, id).Bind(2, inBlob ? 1L : 0L).Bind(3, entry.Hash.Span).Bind(4, entry.PayloadHash.Span)
            .Bind(5, entry.Payload.Span).Execute();
        if (inBlob)
            db.Prepare("INSERT INTO blob (hash, content) VALUES (?1, ?2)")
                .Bind(1, entry.PayloadHash.Span).Bind(2, entry.Payload.Span).Execute();
        return start.Run;
    }

    private Task<SqliteStewardStore> OpenAsync(IReadOnlyList<Migration> migrations) =>
        SqliteStewardStore.OpenAsync(_folder.Options, migrations, TimeProvider.System);
}
