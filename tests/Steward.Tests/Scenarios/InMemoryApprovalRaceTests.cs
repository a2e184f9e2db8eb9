using Steward.Storage;

namespace Steward.Tests.Scenarios;

public sealed class InMemoryApprovalRaceTests(ITestOutputHelper output) : ApprovalRaceTests(output)
{
    protected override Task<IStewardStore> OpenAsync(TimeProvider time) => Task.FromResult<IStewardStore>(new InMemoryStewardStore(time));

    /// <summary>Memory is gone with its process; here only the runtime above it is a new one.</summary>
    protected override Task<IStewardStore> ReopenAsync(IStewardStore store, TimeProvider time) => Task.FromResult(store);
}
