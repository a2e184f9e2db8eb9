using Steward.Testing.Conformance;

namespace Steward.Sqlite.Tests;

public sealed class ConformanceTests : IDisposable
{
    private static readonly ConformanceCheck[] s_checks = [.. RunStoreConformance.Checks, .. RunStoreConformance.RetentionChecks];
    private readonly TestFolder _folder = new();

    public static TheoryData<string> Checks => [.. s_checks.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task SqliteStore_Conforms(string check)
    {
        await using ConformanceStore store = new(async (time, limits, token) =>
            await SqliteStewardStore.OpenAsync(_folder.Options with { Limits = limits }, time, cancellationToken: token));
        await s_checks.Single(c => c.Name == check).Run(store, TestContext.Current.CancellationToken);
    }

    public void Dispose() => _folder.Dispose();
}
