using Steward.Testing.Conformance;
using Steward.Tests.Shared;

namespace Steward.Postgres.Tests;

public sealed class ConformanceTests
{
    private static readonly ConformanceCheck[] s_checks = [.. RunStoreConformance.Checks, .. RunStoreConformance.RetentionChecks];

    public static TheoryData<string> Checks => [.. s_checks.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Checks))]
    public Task PostgresStore_Conforms(string check) => ConformAsync(check, o => o);

    /// <summary>Fault D9: a pooler in transaction mode stands before the server, and each transaction may be another session's.</summary>
    [Theory]
    [MemberData(nameof(Checks))]
    public Task D9_PostgresStoreBehindAPooler_Conforms(string check)
    {
        PgBouncer pooler = Requirement.PgBouncer();
        return ConformAsync(check, o => o with { ConnectionString = pooler.ConnectionString, Pooled = true });
    }

    private static async Task ConformAsync(string check, Func<PostgresStoreOptions, PostgresStoreOptions> change)
    {
        CancellationToken token = TestContext.Current.CancellationToken;
        await using TestSchema schema = new();

        // The database judges by a row instead of its clock, and only the checks move it.
        await schema.ExecuteAsync($"CREATE SCHEMA {schema.Name}; CREATE TABLE {schema.Name}.test_clock (at timestamptz NOT NULL)");
        await using ConformanceStore store = new(async (_, limits, cancellationToken) => await PostgresStewardStore.OpenAsync(
            change(schema.Options) with { Limits = limits, Clock = $"(SELECT at FROM {schema.Name}.test_clock)" }, cancellationToken: cancellationToken))
        {
            Advanced = (by, _) => schema.ExecuteAsync("UPDATE steward.test_clock SET at = at + $1", by),
        };
        await schema.ExecuteAsync("INSERT INTO steward.test_clock VALUES ($1)", store.Time.GetUtcNow());
        await s_checks.Single(c => c.Name == check).Run(store, token);
    }
}
