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

    private Task<SqliteStewardStore> OpenAsync(IReadOnlyList<Migration> migrations) =>
        SqliteStewardStore.OpenAsync(_folder.Options, migrations, TimeProvider.System);
}
