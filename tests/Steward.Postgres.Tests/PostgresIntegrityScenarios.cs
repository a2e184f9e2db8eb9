using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Scenarios;

namespace Steward.Postgres.Tests;

public sealed class PostgresIntegrityScenarios : IntegrityScenarios, IAsyncDisposable
{
    private readonly TestSchema _schema = new();

    public ValueTask DisposeAsync() => _schema.DisposeAsync();

    /// <summary>An index that was not kept while a row came in.</summary>
    [Fact]
    public async Task Index_ThatLacksRows_IsAFindingWhereAmcheckIsThere()
    {
        await using IStewardStore store = await OpenAsync();
        const string Ready = "UPDATE pg_index SET indisready = {0} WHERE indexrelid = 'steward.run_agent'::regclass";
        await EditAsync(Ready.Replace("{0}", "false", StringComparison.Ordinal));
        await EditAsync("""
            INSERT INTO steward.run (uuid, tenant, agent, version, status, reason, epoch, attempts, head, head_hash, ancestors, queued, created_at, updated_at)
            VALUES (gen_random_uuid(), 'acme', 'a', '1', 'planning', '', 0, 0, 0, decode(repeat('00', 32), 'hex'), '{}', false, now(), now())
            """);
        await EditAsync(Ready.Replace("{0}", "true", StringComparison.Ordinal));
        IVerifiableStore verifiable = store.GetService<IVerifiableStore>()!;
        await EditAsync("DROP EXTENSION IF EXISTS amcheck");
        Assert.Empty(await verifiable.VerifyAsync(cancellationToken: TestContext.Current.CancellationToken));
        Assert.False((await ((PostgresStewardStore)store).DescribeAsync(TestContext.Current.CancellationToken)).ChecksIndexes);

        await EditAsync("CREATE EXTENSION amcheck");
        try
        {
            Assert.Contains("'run_agent'", Assert.Single(await verifiable.VerifyAsync(cancellationToken: TestContext.Current.CancellationToken)).Description, StringComparison.Ordinal);
            Assert.True((await ((PostgresStewardStore)store).DescribeAsync(TestContext.Current.CancellationToken)).ChecksIndexes);
        }
        finally
        {
            await EditAsync("DROP EXTENSION amcheck");
        }
    }

    protected override async Task<IStewardStore> OpenAsync() => await _schema.OpenAsync();

    protected override Task EditAsync(string sql) => _schema.ExecuteAsync(sql);

    protected override string Literal(ReadOnlyMemory<byte> bytes) => $"decode('{Convert.ToHexString(bytes.Span)}', 'hex')";

    protected override string Literal(RunId run) => $"'{run}'::uuid";
}
