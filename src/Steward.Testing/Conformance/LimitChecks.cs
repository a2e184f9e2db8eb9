using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class LimitChecks
{
    private static readonly StoreLimits s_small = new() { InlinePayload = 256, Payload = 2_048, EntriesPerRun = 10, Blob = 2_048 };

    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Limit_PayloadAtStart_IsRefused),
        ConformanceCheck.Of(Limit_PayloadOfAnEntry_IsRefused),
        ConformanceCheck.Of(Limit_Blob_IsRefused),
        ConformanceCheck.Of(Limit_Signal_IsRefused),
        ConformanceCheck.Of(Limit_EntriesOfARun_AreRefusedButItsEndIsTaken),
        ConformanceCheck.Of(Closed_Store_SaysSo),
        ConformanceCheck.Of(Refusals_OfAllStores_AreWordedAlike),
    ];

    private static async Task Limit_PayloadAtStart_IsRefused(Scene s)
    {
        await s.ReopenAsync(s_small);
        RunStart start = s.Start();
        RunStarted huge = start.Started with { Input = [new TextPart(new string('x', 3_000))] };
        JournalEntry entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, huge, s.Now);
        await RefusedAsync(async () => await s.Store.StartAsync(start with { Entry = entry }, s.Token));
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery(), s.Token)).Count);
    }

    private static async Task Limit_PayloadOfAnEntry_IsRefused(Scene s)
    {
        await s.ReopenAsync(s_small);
        Subject run = await s.ClaimedAsync();
        await RefusedAsync(() => run.AppendAsync(run.Batch(Scene.Fact(), Scene.Fact(new string('x', 3_000)))));
        await run.UnchangedAsync();
        await run.CommitAsync(Scene.Fact(new string('x', 1_900)));
        Expect.Equal(1_900, Scene.Text((await s.ReadAsync(run.Id, 1))[0]).Length);
    }

    private static async Task Limit_Blob_IsRefused(Scene s)
    {
        await s.ReopenAsync(s_small);
        Blob large = Blob.Of(new byte[2_049]);
        await RefusedAsync(async () => await s.Store.PutAsync(large, s.Token));
        Subject run = await s.ClaimedAsync();
        await RefusedAsync(() => run.AppendAsync(run.Batch(Scene.Fact()) with { Blobs = [large] }));
        await run.UnchangedAsync();
        Expect.Equal(false, (await s.Store.GetAsync(large.Hash, s.Token)).HasValue);
        await s.Store.PutAsync(Blob.Of(new byte[2_048]), s.Token);
    }

    private static async Task Limit_Signal_IsRefused(Scene s)
    {
        await s.ReopenAsync(s_small);
        Subject run = await s.StartedAsync();
        Signal large = new("large", run.Id, new MessageSignal([new TextPart(new string('x', 3_000))]));
        int size = StoreJson.Write(large.Body).Length;
        StoreException refused = await Expect.ThrowsAsync<StoreException>(async () => await s.Store.SignalAsync(large, s.Token));
        Expect.Equal(StoreFailure.TooLarge, refused.Failure);
        Expect.Equal(
            $"Signal 'large' has {size} bytes; the limit is 2048 (StoreLimits.Payload). Send less, or raise the limit.", refused.Message);
        Expect.Sequence([], await s.InboxAsync(run.Id));
        Expect.Equal(
            SignalResult.Accepted,
            await s.Store.SignalAsync(large with { Body = new MessageSignal([new TextPart(new string('x', 1_900))]) }, s.Token));
    }

    private static async Task Limit_EntriesOfARun_AreRefusedButItsEndIsTaken(Scene s)
    {
        await s.ReopenAsync(s_small);
        Subject run = await s.ClaimedAsync();
        for (int i = 2; i <= 10; i++)
            await run.CommitAsync(Scene.Fact());
        await RefusedAsync(() => run.AppendAsync(run.Batch(Scene.Fact())));
        await run.UnchangedAsync();
        await run.CommitAsync(run.Batch(new RunFailed("journal_full", "Too many entries.", null)) with { Status = RunStatus.Failed });
        Expect.Equal(11L, (await s.InfoAsync(run.Id)).Sequence);
    }

    private static async Task Closed_Store_SaysSo(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch batch = run.Batch(Scene.Fact());
        await s.Store.DisposeAsync();
        Expect.Equal(StoreFailure.Closed, (await Expect.ThrowsAsync<StoreException>(() => run.AppendAsync(batch))).Failure);
        Expect.Equal(StoreFailure.Closed, (await Expect.ThrowsAsync<StoreException>(() => s.ClaimAsync())).Failure);
        await s.Store.DisposeAsync();
    }

    private static async Task Refusals_OfAllStores_AreWordedAlike(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Expect.Equal(
            $"Run {run.Id} was started already, for another tenant or key; make its id with RunId.New. (Parameter 'start')",
            await MessageAsync<ArgumentException>(async () =>
            {
                RunStart start = s.Start(tenant: "other");
                await s.Store.StartAsync(
                    new RunStart { Run = run.Id, Entry = JournalEntry.Create(run.Id, 1, JournalEntry.Origin, start.Started, s.Now) },
                    s.Token);
            }));
        Expect.Equal(
            $"Signal 'never' is not in the inbox of run {run.Id}: it never came, or was applied before.",
            await MessageAsync<ArgumentException>(() => run.AppendAsync(run.Batch(Scene.Fact()) with { Consumes = ["never"] })));
        Expect.Equal(
            $"'agent:support@{s.Today:yyyy-MM-dd}' takes its ceilings from 'agent:support'; set them there. (Parameter 'scope')",
            await MessageAsync<ArgumentException>(() =>
                s.SetCeilingsAsync(BudgetScope.ForAgentDay("support", s.Today), BudgetCeilings.None)));
        Expect.Equal(
            "The value cannot be an empty string. (Parameter 'worker')",
            await MessageAsync<ArgumentException>(async () => await s.Store.WatchAsync("", s.Token)));
    }

    private static async Task<string> MessageAsync<TException>(Func<Task> act)
        where TException : Exception => (await Expect.ThrowsAsync<TException>(act)).Message;

    private static async Task RefusedAsync(Func<Task> act) =>
        Expect.Equal(StoreFailure.TooLarge, (await Expect.ThrowsAsync<StoreException>(act)).Failure);
}
