using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;
using Steward.Tests.Scenarios;

namespace Steward.Sqlite.Tests;

public sealed class SqliteIntegrityScenarios : IntegrityScenarios, IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Two indexes on the same columns, of which one takes the other's entries: each is sound by itself.</summary>
    [Fact]
    public async Task Index_ThatLacksRows_IsAFinding()
    {
        await (await OpenAsync()).DisposeAsync();
        await EditAsync("""
            CREATE INDEX run_session_old ON run (tenant, session) WHERE session IS NULL;
            INSERT INTO run (uuid, tenant, session, agent, version, status, reason, epoch, attempts, head, head_hash, created_at, updated_at)
                VALUES (randomblob(16), 'acme', 's', 'a', '1', 'planning', '', 0, 0, 0, zeroblob(32), 0, 0);
            PRAGMA writable_schema = ON;
            UPDATE sqlite_schema SET rootpage = (SELECT rootpage FROM sqlite_schema WHERE name = 'run_session_old') WHERE name = 'run_session';
            DELETE FROM sqlite_schema WHERE name = 'run_session_old';
            """);

        await using IStewardStore store = await OpenAsync();
        IReadOnlyList<StoreProblem> problems = await store.GetService<IVerifiableStore>()!.VerifyAsync(cancellationToken: TestContext.Current.CancellationToken);
        Assert.Contains(problems, p => p.Description.Contains("run_session", StringComparison.Ordinal));
    }

    protected override async Task<IStewardStore> OpenAsync() => await _folder.OpenAsync();

    protected override Task EditAsync(string sql)
    {
        using (var db = Db.Open(_folder.Database, TimeSpan.FromSeconds(10)))
            db.Execute(sql.Replace("steward.", "", StringComparison.Ordinal));
        File.Delete(_folder.Witness);
        return Task.CompletedTask;
    }

    protected override string Literal(ReadOnlyMemory<byte> bytes) => $"x'{Convert.ToHexString(bytes.Span)}'";

    protected override string Literal(RunId run) => $"x'{run}'";
}
