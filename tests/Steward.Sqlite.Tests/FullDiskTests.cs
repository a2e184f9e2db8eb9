using Steward.Storage;

namespace Steward.Sqlite.Tests;

public sealed class FullDiskTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Quota_Reached_LosesNothingAcknowledgedAndGoesOnWhenRaised()
    {
        List<TestRun> runs = [];
        await using (SqliteStewardStore store = await _folder.OpenAsync(o => o with { MaxPageCount = 200 }))
        {
            for (int i = 0; i < 16; i++)
                runs.Add(await TestRun.ClaimedAsync(store));
            StoreException[] errors = await Task.WhenAll(runs.Select(run => Task.Run(() => FillAsync(run))));
            Assert.All(errors, e => Assert.Equal(StoreFailure.Full, e.Failure));
            Assert.Contains(_folder.Database, errors[0].Message, StringComparison.Ordinal);
            Assert.Contains("MaxPageCount", errors[0].Message, StringComparison.Ordinal);
            await AssertIntactAsync(store, runs);
        }

        Assert.True(runs.Sum(run => run.Acknowledged.Count) > 100);
        await using SqliteStewardStore raised = await _folder.OpenAsync(o => o with { MaxPageCount = 2_000 });
        await AssertIntactAsync(raised, runs);
        foreach (TestRun run in runs)
            Assert.IsType<AppendResult.Committed>(await raised.AppendAsync(run.Batch(3, new string('y', 2_000)), Token));
        Assert.Empty(await raised.VerifyAsync(cancellationToken: Token));
    }

    public void Dispose() => _folder.Dispose();

    private static async Task<StoreException> FillAsync(TestRun run)
    {
        for (int i = 0; i < 10_000; i++)
        {
            try
            {
                await run.AppendAsync(1, new string('x', 2_000));
            }
            catch (StoreException e)
            {
                return e;
            }
        }

        throw new InvalidOperationException("The quota was never reached.");
    }

    private static async Task AssertIntactAsync(SqliteStewardStore store, List<TestRun> runs)
    {
        foreach (TestRun run in runs)
            Assert.Equal(run.Acknowledged.Select(e => e.Hash.ToArray()), (await TestRun.ReadAsync(store, run.Id)).Select(e => e.Hash.ToArray()));
    }
}
