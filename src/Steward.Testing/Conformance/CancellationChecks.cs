using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class CancellationChecks
{
    private static readonly CancellationToken s_cancelled = new(canceled: true);

    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Cancelled_Start_StartsNothing),
        ConformanceCheck.Of(Cancelled_Append_RecordsNothing),
        ConformanceCheck.Of(Cancelled_Claim_ClaimsNothing),
        ConformanceCheck.Of(Cancelled_Signal_LeavesTheInboxEmpty),
        ConformanceCheck.Of(Cancelled_Controls_ChangeNothing),
        ConformanceCheck.Of(Cancelled_Reads_Stop),
    ];

    private static async Task Cancelled_Start_StartsNothing(Scene s)
    {
        RunStart start = s.Start();
        await CancelledAsync(async () => await s.Store.StartAsync(start, s_cancelled));
        await s.StartedAsync(start);
    }

    private static async Task Cancelled_Append_RecordsNothing(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch batch = run.Batch(Scene.Fact());
        await CancelledAsync(async () => await s.Store.AppendAsync(batch, s_cancelled));
        await run.UnchangedAsync();
        await run.CommitAsync(batch);
    }

    private static async Task Cancelled_Claim_ClaimsNothing(Scene s)
    {
        Subject run = await s.StartedAsync();
        var request = new ClaimRequest { Worker = "w9", Duration = Scene.LeaseTime };
        await CancelledAsync(async () => await s.Store.ClaimAsync(request, s_cancelled));
        Expect.Equal(0L, (await s.InfoAsync(run.Id)).Epoch);
        await run.ClaimAsync();
        await CancelledAsync(async () => await s.Store.RenewAsync(run.Lease.Worker, [run.Lease], Scene.LeaseTime, s_cancelled));
    }

    private static async Task Cancelled_Signal_LeavesTheInboxEmpty(Scene s)
    {
        Subject run = await s.StartedAsync();
        await CancelledAsync(async () => await s.Store.SignalAsync(s.Signal(run.Id, "s1"), s_cancelled));
        Expect.Sequence([], await s.InboxAsync(run.Id));
        Expect.Equal(SignalResult.Accepted, await s.SignalAsync(run.Id, "s1"));
    }

    private static async Task Cancelled_Controls_ChangeNothing(Scene s)
    {
        await CancelledAsync(async () => await s.Store.EngageAsync(new KillSwitch("global", "olga", null, s.Now), s_cancelled));
        await CancelledAsync(async () => await s.Store.SetCeilingsAsync(BudgetScope.Global, new BudgetCeilings { Usd = 1 }, s_cancelled));
        Blob blob = Blob.Of(new byte[] { 1 });
        await CancelledAsync(async () => await s.Store.PutAsync(blob, s_cancelled));
        Expect.Sequence([], await s.Store.SwitchesAsync(s.Token));
        Expect.Equal(BudgetCeilings.None, (await s.BudgetAsync(BudgetScope.Global)).Ceilings);
        Expect.Equal(false, (await s.Store.GetAsync(blob.Hash, s.Token)).HasValue);
        await s.EngageAsync("global");
        await CancelledAsync(async () => await s.Store.ReleaseAsync("global", s_cancelled));
        Expect.Equal(1, (await s.Store.SwitchesAsync(s.Token)).Count);
    }

    private static async Task Cancelled_Reads_Stop(Scene s)
    {
        Subject run = await s.StartedAsync();
        await CancelledAsync(async () => await s.Store.FindAsync(new RunQuery(), s_cancelled));
        await CancelledAsync(async () => await s.Store.InboxAsync(run.Id, s_cancelled));
        await CancelledAsync(async () => await s.Store.WatchAsync("w1", s_cancelled));
        await CancelledAsync(async () =>
        {
            await foreach (JournalEntry _ in s.Store.ReadAsync(run.Id, 0, s_cancelled))
                continue;
        });
    }

    private static async Task CancelledAsync(Func<Task> act) => await Expect.ThrowsAsync<OperationCanceledException>(act);
}
