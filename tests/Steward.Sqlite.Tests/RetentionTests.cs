using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;
using Steward.Testing;

namespace Steward.Sqlite.Tests;

/// <summary>Deleting old runs beside a witness that remembers them, and in the middle of failures.</summary>
public sealed class RetentionTests : IDisposable
{
    private const int IoErrorFsync = 1034;
    private static readonly TimeSpan s_retention = TimeSpan.FromDays(90);

    private readonly TestFolder _folder = new();
    private readonly ManualTimeProvider _time = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Prune_RunsThatTheWitnessSaw_AreNoLossAndAreForgottenWithIt()
    {
        TestRun[] old = await EndedAsync(3);
        await using (SqliteStewardStore store = await OpenAsync())
        {
            TestRun living = await TestRun.ClaimedAsync(store);
            await store.PruneAsync([old[0].Id, old[1].Id], s_retention, Token);
            Assert.Contains(Witness.Load(_folder.Database), r => r.Run == old[0].Id);
            Assert.Empty(await store.VerifyAsync(cancellationToken: Token));

            // Another store has the witness open, so nobody may rewrite it: what was deleted must stay known.
            await using SqliteStewardStore beside = await OpenAsync();
            Assert.Empty(await beside.VerifyAsync(cancellationToken: Token));
            Assert.Equal(2, Pruned(beside));
            await living.AppendAsync();
        }

        await using SqliteStewardStore alone = await OpenAsync();
        Assert.Empty(await alone.VerifyAsync(cancellationToken: Token));
        Assert.Equal(0, Pruned(alone));
        Assert.DoesNotContain(Witness.Load(_folder.Database), r => r.Run == old[0].Id || r.Run == old[1].Id);
        Assert.Equal(2, (await TestRun.ReadAsync(alone, old[2].Id)).Count);
    }

    [Fact]
    public async Task Prune_ThenAnOlderCopyIsRestored_TheLossIsStillNoticed()
    {
        TestRun[] old = await EndedAsync(1);
        using TestFolder copy = _folder.Copy(witness: true);
        TestRun lost;
        await using (SqliteStewardStore store = await OpenAsync())
        {
            lost = await TestRun.ClaimedAsync(store);
            await store.PruneAsync([old[0].Id], s_retention, Token);
        }

        File.Copy(copy.Database, _folder.Database, overwrite: true);
        await using SqliteStewardStore restored = await OpenAsync();
        Assert.Equal(lost.Id, Assert.Single(await restored.VerifyAsync(cancellationToken: Token)).Run);
        Assert.Equal([old[0].Id], await restored.PruneAsync([old[0].Id], s_retention, Token));
    }

    [Fact]
    public async Task Prune_OfARunThatIsRefused_IsLeftAlone()
    {
        TestRun[] old = await EndedAsync(2);
        using (var witness = Witness.Open(_folder.Database))
            witness.Append([WitnessRecord.Of(old[0].Id, 9, new byte[32])]);
        await using SqliteStewardStore store = await OpenAsync();
        Assert.Equal([old[1].Id], await store.PruneAsync([old[0].Id, old[1].Id], s_retention, Token));
    }

    [Theory]
    [InlineData("before commit", false)]
    [InlineData("after commit", true)]
    public async Task Prune_SyncFails_IsAllOrNothingAndGoesOnWhenAskedAgain(string at, bool happened)
    {
        TestRun[] old = await EndedAsync(6);
        await using SqliteStewardStore store = await OpenAsync();
        for (int step = 0; step < 3; step++)
        {
            RunId[] two = [old[2 * step].Id, old[(2 * step) + 1].Id];
            store.File.Failpoint = point =>
            {
                if (point != at)
                    return;
                store.File.Failpoint = null;
                throw new SqliteFailure(_folder.Database, IoErrorFsync, "disk I/O error");
            };
            await Assert.ThrowsAsync<StoreException>(async () => await store.PruneAsync(two, s_retention, Token));

            Assert.Equal(happened ? 0 : 2, await CountAsync(store, two));
            Assert.Equal(happened ? [] : two, await store.PruneAsync(two, s_retention, Token));
            Assert.Equal(0, await CountAsync(store, two));
            Assert.Equal(old.Length - (2 * (step + 1)), (await store.FindAsync(new RunQuery(), Token)).Count);
            Assert.Empty(await store.VerifyAsync(cancellationToken: Token));
        }
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<int> CountAsync(SqliteStewardStore store, RunId[] runs)
    {
        int count = 0;
        foreach (RunId run in runs)
            count += (await store.FindAsync(new RunQuery { Run = run }, Token)).Count;
        return count;
    }

    private static long Pruned(SqliteStewardStore store) => store.File.Readers.Read(db => db.Number("SELECT count(*) FROM pruned"));

    private Task<SqliteStewardStore> OpenAsync() => _folder.OpenAsync(time: _time);

    private async Task<TestRun[]> EndedAsync(int count)
    {
        await using SqliteStewardStore store = await OpenAsync();
        var runs = new TestRun[count];
        for (int i = 0; i < count; i++)
        {
            runs[i] = await TestRun.ClaimedAsync(store);
            await runs[i].EndAsync();
        }

        _time.Advance(s_retention * 2);
        return runs;
    }
}
