using Steward.Testing;

namespace Steward.Sqlite.Tests;

public sealed class IdleTests : IDisposable
{
    private readonly TestFolder _folder = new();

    [Fact]
    public async Task Log_StoreIdle_IsEmptied()
    {
        ManualTimeProvider time = new();
        await using SqliteStewardStore store = await SqliteStewardStore.OpenAsync(_folder.Options, time, cancellationToken: TestContext.Current.CancellationToken);
        TestRun run = await TestRun.ClaimedAsync(store);
        await run.AppendAsync(50);
        time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(new FileInfo(_folder.Log).Length > 0);

        time.Advance(TimeSpan.FromSeconds(5));
        for (int i = 0; i < 2; i++)
            await store.StartAsync(TestRun.Start(), TestContext.Current.CancellationToken);

        // The log was emptied before the last of these commits at the latest.
        Assert.InRange(new FileInfo(_folder.Log).Length, 1, 100_000);
        Assert.Equal(51, (await TestRun.ReadAsync(store, run.Id)).Count);
    }

    public void Dispose() => _folder.Dispose();
}
