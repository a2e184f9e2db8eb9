using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Sqlite.Tests;

/// <summary>A worker meets a journal that somebody edited.</summary>
public sealed class DamagedRunTests : IDisposable
{
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Worker_EditedJournal_PutsTheRunAwayAndWorksOnTheOthers()
    {
        RunId damaged = await StartedAsync();
        using (Db db = Db.Open(_folder.Database, TimeSpan.Zero))
            db.Execute("UPDATE event SET time = time + 1 WHERE seq = 1");
        await using SqliteStewardStore store = await _folder.OpenAsync();
        await using Harness harness = NewHarness(store);

        Assert.Equal(RunStatus.Completed, (await harness.RunAsync("Hello")).Status);
        RunHandle run = harness.Client.Get(damaged);
        JournalException error = await Assert.ThrowsAsync<JournalException>(async () => await run.WaitUntilSettledAsync(Token));
        Assert.Equal((damaged, 1L), (error.Run!.Value, error.Sequence!.Value));

        RunInfo info = (await run.GetInfoAsync(Token))!;
        Assert.Equal((RunStatus.Awaiting, DamagedRuns.Reason, 1L, 3L), (info.Status, info.Reason, info.Sequence, info.Epoch));
        Assert.Null(info.ClaimableAt);
        Assert.Equal(1L, Assert.Single(await store.VerifyAsync(damaged, Token)).Sequence);
    }

    private async Task<RunId> StartedAsync()
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        await using Harness harness = NewHarness(store);
        return (await harness.Client.StartAsync("tester", new RunRequest("Hello"), Token)).Id;
    }

    private static Harness NewHarness(SqliteStewardStore store) => new(store, Script(Says("done")), Harness.Agent().Build(), o =>
    {
        o.LeaseDuration = TimeSpan.FromMilliseconds(500);
        o.MaxClaimAttempts = 2;
    });
}
