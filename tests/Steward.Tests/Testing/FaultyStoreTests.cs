using Steward.Journal;
using Steward.Storage;
using Steward.Testing;
using Steward.Testing.Conformance;
using Steward.Testing.Faults;

namespace Steward.Tests.Testing;

public sealed class FaultyStoreTests
{
    private readonly ManualTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task FaultyStore_FailsBefore_NothingHappened()
    {
        await using var inner = new InMemoryStewardStore(_time);
        await using var faulty = new FaultyStore(inner) { FailAt = 2 };
        Assert.True(await faulty.EngageAsync(Switch("global"), Token));
        var error = await Assert.ThrowsAsync<StoreException>(async () => await faulty.EngageAsync(Switch("tenant:acme"), Token));
        Assert.Equal(StoreFailure.Io, error.Failure);
        Assert.Equal(nameof(IControlStore.EngageAsync), faulty.Failed);
        Assert.Single(await faulty.SwitchesAsync(Token));
        Assert.Equal(3, faulty.Calls);
    }

    [Fact]
    public async Task FaultyStore_FailsAfter_HappenedAllTheSame()
    {
        await using var inner = new InMemoryStewardStore(_time);
        await using var faulty = new FaultyStore(inner) { FailAt = 1, Moment = FaultMoment.After };
        await Assert.ThrowsAsync<StoreException>(async () => await faulty.EngageAsync(Switch("global"), Token));
        Assert.Single(await inner.SwitchesAsync(Token));
        Assert.False(await faulty.EngageAsync(Switch("global"), Token));
    }

    [Fact]
    public async Task FaultyStore_ChosenMethods_OnlyTheyCount()
    {
        await using var inner = new InMemoryStewardStore(_time);
        await using var faulty = new FaultyStore(inner) { FailAt = 1, Methods = [nameof(IBlobStore.PutAsync)] };
        await faulty.EngageAsync(Switch("global"), Token);
        Assert.Equal(0, faulty.Calls);
        await Assert.ThrowsAsync<StoreException>(async () => await faulty.PutAsync(Blob.Of(new byte[1]), Token));
        await faulty.PutAsync(Blob.Of(new byte[1]), Token);
        Assert.Equal(2, faulty.Calls);
    }

    [Fact]
    public async Task FaultyStore_Lasting_EverythingAfterFailsToo()
    {
        await using var inner = new InMemoryStewardStore(_time);
        await using var faulty = new FaultyStore(inner) { FailAt = 1, Moment = FaultMoment.After, Lasting = true };
        await Assert.ThrowsAsync<StoreException>(async () => await faulty.EngageAsync(Switch("global"), Token));
        await Assert.ThrowsAsync<StoreException>(async () => await faulty.ReleaseAsync("global", Token));
        Assert.Single(await inner.SwitchesAsync(Token));
    }

    [Fact]
    public async Task FaultyStore_Read_FailsBeforeOrAfterItsEntries()
    {
        await using var inner = new InMemoryStewardStore(_time);
        await using var faulty = new FaultyStore(inner) { FailAt = 1 };
        await Assert.ThrowsAsync<StoreException>(async () =>
        {
            await foreach (JournalEntry _ in faulty.ReadAsync(RunId.New(_time), 0, Token))
                Assert.Fail("Nothing is there.");
        });
    }

    [Fact]
    public async Task FaultyStore_Hook_SeesMethodAndNumber()
    {
        List<string> seen = [];
        await using var inner = new InMemoryStewardStore(_time);
        await using var faulty = new FaultyStore(inner)
        {
            Hook = (method, n) =>
            {
                seen.Add($"{n} {method}");
                return Task.CompletedTask;
            },
        };
        await faulty.SwitchesAsync(Token);
        await faulty.WatchAsync("w1", Token);
        Assert.Equal(["1 SwitchesAsync", "2 WatchAsync"], seen);
    }

    // A decorator that forgets to pass something on breaks a clause of the contract.
    [Fact]
    public async Task FaultyStore_NoFault_KeepsTheContract()
    {
        foreach (ConformanceCheck check in RunStoreConformance.ChecksFor(persistent: false).Where(c => c.Name != "Closed_Store_SaysSo"))
        {
            await using var store = new ConformanceStore((time, limits, _) => new(new FaultyStore(new InMemoryStewardStore(time, limits)))) { Persistent = false };
            await check.Run(store, Token);
        }
    }

    private KillSwitch Switch(string scope) => new(scope, "olga", null, _time.GetUtcNow());
}
