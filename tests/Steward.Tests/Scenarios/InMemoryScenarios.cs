using Steward.Storage;

namespace Steward.Tests.Scenarios;

public sealed class InMemoryCeilingTests(ITestOutputHelper output) : CeilingTests(output)
{
    protected override Task<IStewardStore> OpenAsync() => Task.FromResult<IStewardStore>(new InMemoryStewardStore(TimeProvider.System));
}

public sealed class InMemoryKillSwitchTests(ITestOutputHelper output) : KillSwitchTests(output)
{
    protected override Task<IStewardStore> OpenAsync() => Task.FromResult<IStewardStore>(new InMemoryStewardStore(TimeProvider.System));
}

public sealed class InMemoryConcurrencyTests(ITestOutputHelper output) : ConcurrencyTests(output)
{
    protected override Task<IStewardStore> OpenAsync() => Task.FromResult<IStewardStore>(new InMemoryStewardStore(TimeProvider.System));

    protected override Task<IStewardStore> OpenAgainAsync(IStewardStore first) => Task.FromResult(first);
}
