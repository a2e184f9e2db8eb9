using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Children: started with their parent's commit, heard of in their
/// own last one, and under the parent's ceilings and switches.</summary>
internal static class FamilyChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Starts_Committed_AreClaimableRunsOfTheirParent),
        ConformanceCheck.Of(Starts_RefusedBatch_StartNothing),
        ConformanceCheck.Of(Starts_Again_LeaveTheChildAsItIs),
        ConformanceCheck.Of(Sends_Committed_WakeTheReceiver),
        ConformanceCheck.Of(Sends_RefusedBatch_SendNothing),
        ConformanceCheck.Of(Sends_ToUnknownOrEndedRuns_AreDropped),
        ConformanceCheck.Of(Child_Spends_OnItsAncestorsCeilings),
        ConformanceCheck.Of(Children_AtOnce_NeverPassTheParentsCeiling),
        ConformanceCheck.Of(Switch_OverTheParent_StopsTheGrandchild),
        ConformanceCheck.Of(Find_ByParent_FindsItsChildrenOnly),
        ConformanceCheck.Of(Copied_Entries_AreTheJournalsBeginning),
        ConformanceCheck.Of(Copied_BrokenChain_IsRefused),
    ];

    private static async Task Starts_Committed_AreClaimableRunsOfTheirParent(Scene s)
    {
        Subject parent = await s.ClaimedAsync();
        RunStart start = s.Child(parent.Id);
        await parent.CommitAsync(parent.Batch(Scene.Fact()) with { Starts = [start] });
        RunInfo child = await s.InfoAsync(start.Run);
        Expect.Sequence([parent.Id], child.Ancestors);
        Expect.NotNull(await s.ClaimAsync(start.Run, "w2"), "the claim of the child");
    }

    private static async Task Starts_RefusedBatch_StartNothing(Scene s)
    {
        Subject parent = await s.ClaimedAsync();
        RunStart start = s.Child(parent.Id);
        await parent.FencedAsync(parent.Batch(Scene.Fact()) with { Lease = parent.Lease with { Epoch = 9 }, Starts = [start] });
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery { Run = start.Run }, s.Token)).Count);
    }

    private static async Task Starts_Again_LeaveTheChildAsItIs(Scene s)
    {
        Subject parent = await s.ClaimedAsync();
        RunStart start = s.Child(parent.Id);
        await parent.CommitAsync(parent.Batch(Scene.Fact()) with { Starts = [start] });
        await s.ClaimAsync(start.Run, "w2");
        await parent.CommitAsync(parent.Batch(Scene.Fact()) with { Starts = [start] });
        Expect.Equal(1L, (await s.InfoAsync(start.Run)).Epoch);
    }

    private static async Task Sends_Committed_WakeTheReceiver(Scene s)
    {
        Subject receiver = await s.ClaimedAsync();
        await receiver.CommitAsync(receiver.Parked());
        Subject sender = await s.ClaimedAsync();
        await sender.CommitAsync(
            sender.Ended() with { Sends = [s.Signal(receiver.Id, "from the child"), s.Signal(receiver.Id, "from the child")] });
        Expect.Sequence(["from the child"], await s.InboxAsync(receiver.Id));
        Expect.NotNull(await s.ClaimAsync(receiver.Id, "w2"), "the woken run's claim");
    }

    private static async Task Sends_RefusedBatch_SendNothing(Scene s)
    {
        Subject receiver = await s.StartedAsync();
        Subject sender = await s.ClaimedAsync();
        await s.EngageAsync("global");
        Expect.Is<AppendResult.Killed>(await sender.AppendAsync(sender.Effect() with { Sends = [s.Signal(receiver.Id)] }));
        Expect.Sequence([], await s.InboxAsync(receiver.Id));
    }

    private static async Task Sends_ToUnknownOrEndedRuns_AreDropped(Scene s)
    {
        Subject ended = await s.ClaimedAsync();
        await ended.CommitAsync(ended.Ended());
        Subject sender = await s.ClaimedAsync();
        await sender.CommitAsync(sender.Batch(Scene.Fact()) with { Sends = [s.Signal(ended.Id), s.Signal(RunId.New(s.Host.Time))] });
        Expect.Sequence([], await s.InboxAsync(ended.Id));
    }

    private static async Task Child_Spends_OnItsAncestorsCeilings(Scene s)
    {
        Subject parent = await s.ClaimedAsync(ceilings: new BudgetCeilings { Tokens = 100 });
        Subject child = await s.ChildAsync(parent);
        await child.SpendAsync(new BudgetAmount(Tokens: 70));
        Expect.Equal(70L, (await s.BudgetAsync(BudgetScope.ForRun(parent.Id))).Spent.Tokens);
        var over = Expect.Is<AppendResult.OverBudget>(await child.AppendAsync(child.Effect(new BudgetAmount(Tokens: 31))));
        Expect.Equal(BudgetScope.ForRun(parent.Id), over.Shortfall.Scope);
        Expect.Is<AppendResult.OverBudget>(await parent.AppendAsync(parent.Effect(new BudgetAmount(Tokens: 31))));
        Expect.Is<AppendResult.Committed>(await child.AppendAsync(child.Effect(new BudgetAmount(Tokens: 30))));
    }

    private static async Task Children_AtOnce_NeverPassTheParentsCeiling(Scene s)
    {
        Subject parent = await s.ClaimedAsync(ceilings: new BudgetCeilings { Tokens = 100 });
        List<Subject> children = [];
        for (int i = 0; i < 8; i++)
            children.Add(await s.ChildAsync(parent));
        AppendResult[] results = await Scene.AtOnceAsync(8, i => children[i].AppendAsync(children[i].Effect(new BudgetAmount(Tokens: 30))));
        Expect.Equal(3, results.Count(r => r is AppendResult.Committed));
        Expect.Equal(90L, (await s.BudgetAsync(BudgetScope.ForRun(parent.Id))).Reserved.Tokens);
    }

    private static async Task Switch_OverTheParent_StopsTheGrandchild(Scene s)
    {
        Subject parent = await s.ClaimedAsync();
        Subject child = await s.ChildAsync(parent);
        Subject grandchild = await s.ChildAsync(child, parent.Id);
        await s.EngageAsync($"run:{parent.Id}");
        Expect.Is<AppendResult.Killed>(await grandchild.AppendAsync(grandchild.Effect()));
        IReadOnlyList<RunAttention> watched = await s.Store.WatchAsync("w1", s.Token);
        Expect.True(watched.Any(a => a.Run == grandchild.Id && a.Killed is not null), "the grandchild's worker is told of the switch");
        await grandchild.CommitAsync(grandchild.Parked());
        Expect.Equal(null, await s.ClaimAsync(grandchild.Id, "w2"));
        await s.Store.ReleaseAsync($"run:{parent.Id}", s.Token);
        Expect.NotNull(await s.ClaimAsync(grandchild.Id, "w2"), "the claim after the switch was released");
    }

    private static async Task Find_ByParent_FindsItsChildrenOnly(Scene s)
    {
        Subject parent = await s.ClaimedAsync();
        Subject child = await s.ChildAsync(parent);
        await s.ChildAsync(child, parent.Id);
        await s.StartedAsync();
        IReadOnlyList<RunInfo> found = await s.Store.FindAsync(new RunQuery { Parent = parent.Id }, s.Token);
        Expect.Sequence([child.Id], found.Select(r => r.Run));
    }

    private static async Task Copied_Entries_AreTheJournalsBeginning(Scene s)
    {
        RunStart start = s.Start();
        var second = JournalEntry.Create(start.Run, 2, start.Entry.Hash, Scene.Fact("copied"), s.Now);
        Expect.True((await s.Store.StartAsync(start with { Copied = [second] }, s.Token)).Created);
        Expect.Equal(2L, (await s.InfoAsync(start.Run)).Sequence);
        Expect.Equal("copied", Scene.Text((await s.ReadAsync(start.Run))[1]));
        Claim claim = Expect.NotNull(await s.ClaimAsync(start.Run));
        var third = JournalEntry.Create(start.Run, 3, second.Hash, Scene.Fact(), s.Now);
        Expect.Is<AppendResult.Committed>(await s.Store.AppendAsync(
            new RunBatch { Lease = claim.Lease, ExpectedSequence = 2, Entries = [third], Status = RunStatus.Executing, Reason = "on" },
                s.Token));
    }

    private static async Task Copied_BrokenChain_IsRefused(Scene s)
    {
        RunStart start = s.Start();
        var stray = JournalEntry.Create(start.Run, 2, JournalEntry.Origin, Scene.Fact(), s.Now);
        await Expect.ThrowsAsync<JournalException>(async () => await s.Store.StartAsync(start with { Copied = [stray] }, s.Token));
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery { Run = start.Run }, s.Token)).Count);
    }
}
