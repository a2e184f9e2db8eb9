using Steward.Storage;
using Steward.Testing.Conformance;

namespace Steward.Tests.Storage;

public sealed class InMemoryStoreTests
{
    public static TheoryData<string> Checks => [.. RunStoreConformance.ChecksFor(persistent: false).Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Checks))]
    public async Task InMemoryStore_Contract_Holds(string check)
    {
        await using var store = new ConformanceStore((time, limits, _) => new(new InMemoryStewardStore(time, limits))) { Persistent = false };
        await RunStoreConformance.Checks.Single(c => c.Name == check).Run(store, TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Conformance_Checks_HaveNamesOfTheirOwn() =>
        Assert.Empty(RunStoreConformance.Checks.GroupBy(c => c.Name).Where(g => g.Count() > 1).Select(g => g.Key));
}
