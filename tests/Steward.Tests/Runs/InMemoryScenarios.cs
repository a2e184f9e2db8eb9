using Steward.Storage;

namespace Steward.Tests.Runs;

public sealed class InMemoryCeilingTests(ITestOutputHelper output) : CeilingTests(output)
{
    protected override Task<IStewardStore> OpenAsync() => Task.FromResult<IStewardStore>(new InMemoryStewardStore(TimeProvider.System));
}

public sealed class InMemoryKillSwitchTests(ITestOutputHelper output) : KillSwitchTests(output)
{
    protected override Task<IStewardStore> OpenAsync() => Task.FromResult<IStewardStore>(new InMemoryStewardStore(TimeProvider.System));
}
