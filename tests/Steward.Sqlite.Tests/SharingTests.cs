using System.Diagnostics;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

public sealed class SharingTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task TwoStores_OneFile_BothGetOnWithoutGaps()
    {
        const int Appends = 512;
        await using SqliteStewardStore one = await _folder.OpenAsync();
        await using SqliteStewardStore two = await _folder.OpenAsync();
        TestRun[] runs = await Task.WhenAll(new[] { one, two }.Select(store => Task.Run(async () =>
        {
            TestRun run = await TestRun.ClaimedAsync(store);
            for (int i = 0; i < Appends; i++)
                await run.AppendAsync();
            return run;
        })));

        foreach (TestRun run in runs)
            Assert.Equal(Appends + 1, (await TestRun.ReadAsync(one, run.Id)).Count);
        Assert.Empty(await two.VerifyAsync(cancellationToken: Token));
        Dictionary<RunId, long> seen = Witness.Load(_folder.Database).ToDictionary(r => r.Run, r => r.Sequence);
        Assert.All(runs, run => Assert.Equal(Appends + 1, seen[run.Id]));
    }

    [Fact]
    public async Task TwoStores_OneRun_TheLaterClaimFencesTheEarlier()
    {
        await using SqliteStewardStore one = await _folder.OpenAsync();
        await using SqliteStewardStore two = await _folder.OpenAsync();
        TestRun first = await TestRun.ClaimedAsync(one, "w1");
        Assert.Null(await two.ClaimOneAsync(new ClaimRequest { Worker = "w2", Duration = TimeSpan.FromMinutes(1) }, Token));
        await one.AppendAsync(first.Batch(0) with { Release = new RunRelease(TimeProvider.System.GetUtcNow() - TimeSpan.FromSeconds(1)) }, Token);

        Claim? second = await two.ClaimOneAsync(new ClaimRequest { Worker = "w2", Duration = TimeSpan.FromMinutes(1) }, Token);

        Assert.Equal(2, second!.Lease.Epoch);
        Assert.Equal(new AppendResult.Fenced(2, 1), await first.AppendAsync(first.Batch()));
    }

    [Fact]
    public async Task TwoStores_SwitchEngagedInOne_KillsInTheOther()
    {
        await using SqliteStewardStore one = await _folder.OpenAsync();
        await using SqliteStewardStore two = await _folder.OpenAsync();
        TestRun run = await TestRun.ClaimedAsync(one);
        await two.EngageAsync(new KillSwitch("global", "olga", null, TimeProvider.System.GetUtcNow()), Token);
        Assert.IsType<AppendResult.Killed>(await run.AppendAsync(run.Batch() with { StartsEffect = true }));
    }

    [Fact]
    public async Task Write_NeighbourHoldsTheLock_IsBusyAndWorksLater()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync(o => o with { BusyTimeout = TimeSpan.FromMilliseconds(50) });
        TestRun run = await TestRun.ClaimedAsync(store);
        using (Data.Db neighbour = Data.Db.Open(_folder.Database, TimeSpan.Zero))
        {
            neighbour.Execute("BEGIN IMMEDIATE");
            StoreException error = await Assert.ThrowsAsync<StoreException>(() => run.AppendAsync(run.Batch()));
            Assert.Equal(StoreFailure.Busy, error.Failure);
            neighbour.Execute("ROLLBACK");
        }

        await run.AppendAsync();
    }

    [Fact]
    public async Task ManyStores_OpenedAtOnce_AgreeOnOneSchema()
    {
        SqliteStewardStore[] stores = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => _folder.OpenAsync()));
        foreach (SqliteStewardStore store in stores)
        {
            await TestRun.ClaimedAsync(store);
            await store.DisposeAsync();
        }
    }

    [Fact]
    public async Task AnotherProcess_AppendsBesideThisOne_BothGetOn()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        using ChildProcess child = ChildProcess.Start(_folder.Database, appends: 512);
        Task<List<(RunId Run, long Sequence)>> acknowledged = child.ReadAllAsync(Token);
        TestRun run = await TestRun.ClaimedAsync(store);
        for (int i = 0; i < 512; i++)
            await run.AppendAsync();

        List<(RunId Run, long Sequence)> theirs = await acknowledged;

        Assert.Equal(513, theirs.Count);
        Assert.Equal(513, (await TestRun.ReadAsync(store, run.Id)).Count);
        Assert.Equal(513, (await TestRun.ReadAsync(store, theirs[0].Run)).Count);
        Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
    }

    [Fact]
    public async Task AnotherProcess_KilledWhileAppending_LosesNothingAcknowledged()
    {
        for (int round = 0; round < 5; round++)
        {
            using ChildProcess child = ChildProcess.Start(_folder.Database, appends: 1_000_000);
            List<(RunId Run, long Sequence)> acknowledged = await child.ReadThenKillAsync(100 + (37 * round), Token);

            await using SqliteStewardStore store = await _folder.OpenAsync();
            (RunId run, long last) = acknowledged[^1];
            Assert.True((await TestRun.ReadAsync(store, run)).Count >= last);
            Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
        }
    }

    public void Dispose() => _folder.Dispose();
}
