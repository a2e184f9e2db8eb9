using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>Deleting families of runs that ended long ago, for stores that can (<see cref="IRetentionStore"/>).</summary>
internal static class RetentionChecks
{
    private static readonly TimeSpan s_retention = TimeSpan.FromDays(90);

    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Ended_OldAndNewRuns_FindsTheOldOnesAndChangesNothing),
        ConformanceCheck.Of(Ended_ByAgentAndTenant_FindsThoseRootsOnly),
        ConformanceCheck.Of(Ended_ManyFamilies_FindsEachOnceOldestFirst),
        ConformanceCheck.Of(Prune_Family_TakesAllThatIsItsOwn),
        ConformanceCheck.Of(Prune_LivingDescendant_KeepsTheWholeFamily),
        ConformanceCheck.Of(Prune_ChangedSinceItWasFound_IsLeftAlone),
        ConformanceCheck.Of(Prune_Again_DeletesNothing),
        ConformanceCheck.Of(Prune_ChildOrUnknownRun_IsLeftAlone),
        ConformanceCheck.Of(Prune_FreesTheKey),
        ConformanceCheck.Of(Prune_Budgets_GoWithTheRunsAndStayElsewhere),
        ConformanceCheck.Of(Prune_SessionWithRunsLeft_KeepsItsBudget),
        ConformanceCheck.Of(Prune_AtOnce_DeletesEachFamilyOnce),
        ConformanceCheck.Of(Prune_BesideStartsAndAppends_DisturbsNobody),
        ConformanceCheck.Of(Prune_Verified_FindsNothingWrong) with { NeedsPersistence = true },
        ConformanceCheck.Of(Retention_OfNothing_IsRefused),
        ConformanceCheck.Of(Sweep_UnnamedBlob_GoesADayAfterItWasFirstFound),
        ConformanceCheck.Of(Sweep_NamedBlobs_Stay),
        ConformanceCheck.Of(Sweep_KeptAgainMeanwhile_Stays),
        ConformanceCheck.Of(Sweep_NamedByARunThatStartedMeanwhile_Stays),
        ConformanceCheck.Of(Sweep_AfterPrune_TakesWhatOnlyTheDeletedRunsNamed),
        ConformanceCheck.Of(Sweep_BesideRunsThatKeepTheSameContent_LosesNoneThatIsNamed),
    ];

    private static async Task Ended_OldAndNewRuns_FindsTheOldOnesAndChangesNothing(Scene s)
    {
        Subject old = await EndedAsync(s);
        Subject living = await s.ClaimedAsync();
        await s.AdvanceAsync(s_retention + TimeSpan.FromDays(1));
        Subject recent = await EndedAsync(s);
        EndedFamily family = Single(await FindAsync(s));
        Expect.Equal(old.Id, family.Root);
        Expect.Sequence([new EndedRun(old.Id, old.Sequence)], family.Runs);
        Expect.True(family.Bytes > 0);
        foreach (Subject run in (Subject[])[old, living, recent])
            Expect.Equal(run.Sequence, (await s.InfoAsync(run.Id)).Sequence);
    }

    private static async Task Ended_ByAgentAndTenant_FindsThoseRootsOnly(Scene s)
    {
        Subject first = await EndedAsync(s, tenant: "acme", agent: "support");
        Subject second = await EndedAsync(s, tenant: "acme", agent: "sales");
        Subject third = await EndedAsync(s, tenant: "initech", agent: "support");
        await s.AdvanceAsync(s_retention * 2);
        Expect.Sequence([first.Id, third.Id], (await FindAsync(s, q => q with { Agent = "support" })).Select(f => f.Root));
        Expect.Sequence([first.Id, second.Id], (await FindAsync(s, q => q with { Tenant = "acme" })).Select(f => f.Root));
        Expect.Sequence([], (await FindAsync(s, q => q with { Agent = "sales", Tenant = "initech" })).Select(f => f.Root));
    }

    private static async Task Ended_ManyFamilies_FindsEachOnceOldestFirst(Scene s)
    {
        List<RunId> roots = [];
        for (int i = 0; i < 230; i++)
            roots.Add((i % 3 == 0 ? await FamilyAsync(s) : [await EndedAsync(s)])[0].Id);
        await s.AdvanceAsync(s_retention * 2);
        Expect.Sequence(roots, (await FindAsync(s)).Select(f => f.Root));
        Expect.Sequence(roots[..120], await PruneAsync(s, [.. roots[..120]]));
        Expect.Sequence(roots[120..], (await FindAsync(s)).Select(f => f.Root));
    }

    private static async Task Prune_Family_TakesAllThatIsItsOwn(Scene s)
    {
        Subject[] family = await FamilyAsync(s);
        Subject other = await EndedAsync(s);
        await s.Store.AddFeedbackAsync(FeedbackOn(s, family[2].Id), s.Token);
        await s.AdvanceAsync(s_retention * 2);
        EndedFamily found = (await FindAsync(s))[0];
        Expect.Sequence(family.Select(run => new EndedRun(run.Id, run.Sequence)), found.Runs);
        Expect.Equal(family.Sum(run => run.Sequence), found.Events);
        Expect.Sequence([family[0].Id], await PruneAsync(s, family[0].Id));
        foreach (Subject run in family)
        {
            Expect.Equal(0, (await s.Store.FindAsync(new RunQuery { Run = run.Id }, s.Token)).Count);
            Expect.Equal(0, (await s.ReadAsync(run.Id)).Count);
            Expect.Equal(0, (await s.Store.QuestionsAsync(new QuestionQuery { Run = run.Id }, s.Token)).Count);
            Expect.Equal(0, (await s.Store.FeedbackAsync(new FeedbackQuery { Run = run.Id }, s.Token)).Count);
            Expect.Equal(SignalResult.UnknownRun, await s.SignalAsync(run.Id));
            Expect.Equal(false, await s.Store.AddFeedbackAsync(FeedbackOn(s, run.Id), s.Token));
            Expect.Equal(null, await s.ClaimAsync(run.Id));
        }

        Expect.Equal(2, (await s.ReadAsync(other.Id)).Count);
    }

    private static async Task Prune_LivingDescendant_KeepsTheWholeFamily(Scene s)
    {
        Subject root = await s.ClaimedAsync();
        Subject child = await s.ChildAsync(root);
        Subject grandchild = await s.ChildAsync(child, root.Id);
        await root.CommitAsync(root.Ended());
        await child.CommitAsync(child.Ended());
        await s.AdvanceAsync(s_retention * 2);
        Expect.Equal(0, (await FindAsync(s)).Count);
        Expect.Sequence([], await PruneAsync(s, root.Id));
        await grandchild.CommitAsync(grandchild.Ended());
        Expect.Sequence([], await PruneAsync(s, root.Id), "a family that ended just now");
        await s.AdvanceAsync(s_retention * 2);
        Expect.Sequence([root.Id], await PruneAsync(s, root.Id));
    }

    private static async Task Prune_ChangedSinceItWasFound_IsLeftAlone(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(s_retention * 2);
        await run.CommitAsync(run.Ended());
        Expect.Sequence([], await PruneAsync(s, run.Id));
        await run.UnchangedAsync();
    }

    private static async Task Prune_Again_DeletesNothing(Scene s)
    {
        Subject run = await EndedAsync(s);
        await s.AdvanceAsync(s_retention * 2);
        Expect.Sequence([run.Id], await PruneAsync(s, run.Id, run.Id));
        Expect.Sequence([], await PruneAsync(s, run.Id));
        Expect.Equal(0, (await FindAsync(s)).Count);
    }

    private static async Task Prune_ChildOrUnknownRun_IsLeftAlone(Scene s)
    {
        Subject[] family = await FamilyAsync(s);
        await s.AdvanceAsync(s_retention * 2);
        Expect.Sequence([], await PruneAsync(s, family[1].Id, RunId.New(s.Host.Time)));
        foreach (Subject run in family)
            await run.UnchangedAsync();
    }

    private static async Task Prune_FreesTheKey(Scene s)
    {
        Subject run = await s.StartedAsync(key: "order-17");
        await run.ClaimAsync();
        await run.CommitAsync(run.Ended());
        await s.AdvanceAsync(s_retention * 2);
        await PruneAsync(s, run.Id);
        Expect.True((await s.Store.StartAsync(s.Start(key: "order-17"), s.Token)).Created);
    }

    private static async Task Prune_Budgets_GoWithTheRunsAndStayElsewhere(Scene s)
    {
        Subject run = await s.ClaimedAsync(session: "chat", ceilings: new BudgetCeilings { Tokens = 100 });
        await run.SpendAsync(new BudgetAmount(Tokens: 70));
        await run.CommitAsync(run.Ended());
        BudgetScope[] staying = [BudgetScope.Global, BudgetScope.ForTenant("acme"), BudgetScope.ForAgentDay("support", s.Today)];
        await s.AdvanceAsync(s_retention * 2);
        await PruneAsync(s, run.Id);
        foreach (BudgetScope scope in staying)
            Expect.Equal(70L, (await s.BudgetAsync(scope)).Spent.Tokens, scope.Key);
        Expect.Equal(0, (await s.Store.BudgetsAsync("run:", cancellationToken: s.Token)).Count);
        Expect.Equal(0, (await s.Store.BudgetsAsync("session:", cancellationToken: s.Token)).Count);
    }

    private static async Task Prune_SessionWithRunsLeft_KeepsItsBudget(Scene s)
    {
        Subject first = await s.ClaimedAsync(session: "chat");
        await first.SpendAsync(new BudgetAmount(Tokens: 70));
        await first.CommitAsync(first.Ended());
        await s.AdvanceAsync(s_retention * 2);
        await s.StartedAsync(session: "chat");
        Expect.Sequence([first.Id], await PruneAsync(s, first.Id));
        Expect.Equal(70L, (await s.BudgetAsync(BudgetScope.ForSession("acme", "chat"))).Spent.Tokens);
    }

    private static async Task Prune_AtOnce_DeletesEachFamilyOnce(Scene s)
    {
        List<RunId> roots = [];
        for (int i = 0; i < 12; i++)
            roots.Add((await FamilyAsync(s))[0].Id);
        await s.AdvanceAsync(s_retention * 2);
        IReadOnlyList<RunId>[] gone = await Scene.AtOnceAsync(4, i => PruneAsync(s, [.. i % 2 == 0 ? roots : Enumerable.Reverse(roots)]));
        Expect.Sequence(roots.OrderBy(r => r.Value), gone.SelectMany(g => g).OrderBy(r => r.Value));
    }

    private static async Task Prune_BesideStartsAndAppends_DisturbsNobody(Scene s)
    {
        List<RunId> roots = [];
        for (int i = 0; i < 20; i++)
        {
            Subject ended = await s.ClaimedAsync(session: "chat");
            await ended.SpendAsync(new BudgetAmount(Tokens: 1));
            await ended.CommitAsync(ended.Ended());
            roots.Add(ended.Id);
        }

        await s.AdvanceAsync(s_retention * 2);
        Subject[] working = await Task.WhenAll(Enumerable.Range(0, 6).Select(_ => s.ClaimedAsync()));
        await Scene.AtOnceAsync(8, async i =>
        {
            if (i < 2)
            {
                foreach (RunId root in roots)
                    await PruneAsync(s, root);
                return 0;
            }

            for (int n = 0; n < 10; n++)
                await working[i - 2].SpendAsync(new BudgetAmount(Tokens: 1));
            await s.StartedAsync(
                s.Start(session: "chat") with { SessionPolicy = SessionPolicy.Parallel,
                    SessionCeilings = new BudgetCeilings { Tokens = 5 } });
            return 0;
        });
        Expect.Equal(0, (await FindAsync(s)).Count);
        Expect.Equal(5L, (await s.BudgetAsync(BudgetScope.ForSession("acme", "chat"))).Ceilings.Tokens);
        Expect.Equal(60L + 20L, (await s.BudgetAsync(BudgetScope.ForTenant("acme"))).Spent.Tokens);
    }

    private static async Task Prune_Verified_FindsNothingWrong(Scene s)
    {
        Subject[] family = await FamilyAsync(s);
        Subject kept = await EndedAsync(s);
        await s.AdvanceAsync(s_retention * 2);
        Subject living = await s.ClaimedAsync();
        await PruneAsync(s, family[0].Id);
        for (int opened = 0; opened < 3; opened++)
        {
            if (s.Store.GetService<IVerifiableStore>() is { } verifiable)
                Expect.Sequence([], (await verifiable.VerifyAsync(cancellationToken: s.Token)).Select(p => p.Description));
            await kept.UnchangedAsync();
            await living.CommitAsync(Scene.Fact());
            await s.ReopenAsync();
        }
    }

    private static async Task Retention_OfNothing_IsRefused(Scene s)
    {
        await Expect.ThrowsAsync<ArgumentOutOfRangeException>(async () => await FindAsync(s, q => q with { OlderThan = TimeSpan.Zero }));
        await Expect.ThrowsAsync<ArgumentOutOfRangeException>(
            async () => await Store(s).PruneAsync([], TimeSpan.FromDays(40_000), s.Token));
    }

    private static async Task Sweep_UnnamedBlob_GoesADayAfterItWasFirstFound(Scene s)
    {
        Blob blob = Content("nobody's");
        await s.Store.PutAsync(blob, s.Token);
        Expect.Equal(new BlobSweep(0, 0, 1), await SweepAsync(s));
        await s.AdvanceAsync(BlobSweep.Grace / 2);
        Expect.Equal(new BlobSweep(0, 0, 1), await SweepAsync(s));
        await s.AdvanceAsync(BlobSweep.Grace);
        var all = new BlobSweep(1, blob.Content.Length, 0);
        Expect.Equal(all, await Store(s).SweepBlobsAsync(apply: false, s.Token));
        Expect.True(await IsThereAsync(s, blob), "the blob after a sweep that only looked");
        Expect.Equal(all, await SweepAsync(s));
        Expect.True(!await IsThereAsync(s, blob), "the blob is gone");
        Expect.Equal(new BlobSweep(0, 0, 0), await SweepAsync(s));
    }

    private static async Task Sweep_NamedBlobs_Stay(Scene s)
    {
        await s.ReopenAsync(new StoreLimits { InlinePayload = 1_000 });
        Blob[] blobs = [.. Enumerable.Range(0, 6).Select(i => Content($"content {i}"))];
        foreach (Blob blob in blobs)
            await s.Store.PutAsync(blob, s.Token);
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Scene.Fact($"see {blobs[0].Hash}."));
        await run.CommitAsync(Scene.Fact(new string('x', 2_000) + blobs[1].Hash));
        await s.Store.SignalAsync(new Signal("s1", run.Id, new CancelSignal("ann", blobs[2].Hash)), s.Token);
        await run.CommitAsync(new QuestionAsked { Id = "q1", Kind = QuestionKind.UserInput, Text = $"Which? \"{blobs[3].Hash}\"" });
        await run.CommitAsync(
            run.Batch() with { Snapshot = new RunSnapshot(run.Sequence, 1, System.Text.Encoding.UTF8.GetBytes(blobs[4].Hash)) });
        await SweepAsync(s);
        await s.AdvanceAsync(BlobSweep.Grace * 2);
        Expect.Equal(1L, (await SweepAsync(s)).Blobs);
        foreach (Blob blob in blobs[..5])
            Expect.True(await IsThereAsync(s, blob), $"the blob of '{System.Text.Encoding.UTF8.GetString(blob.Content.Span)}'");
        Expect.True(!await IsThereAsync(s, blobs[5]), "the one that nothing names is gone");
        Expect.Equal(4, (await s.ReadAsync(run.Id)).Count);
    }

    private static async Task Sweep_KeptAgainMeanwhile_Stays(Scene s)
    {
        Blob put = Content("put"), carried = Content("carried");
        Subject run = await s.ClaimedAsync();
        await s.Store.PutAsync(put, s.Token);
        await s.Store.PutAsync(carried, s.Token);
        await SweepAsync(s);
        await s.AdvanceAsync(BlobSweep.Grace * 2);
        await s.Store.PutAsync(put, s.Token);
        await run.CommitAsync(run.Batch() with { Blobs = [carried] });
        Expect.Equal(new BlobSweep(0, 0, 2), await SweepAsync(s));
        Expect.True(await IsThereAsync(s, put) && await IsThereAsync(s, carried), "both are there");
    }

    private static async Task Sweep_NamedByARunThatStartedMeanwhile_Stays(Scene s)
    {
        Blob definition = Content("a definition");
        await s.Store.PutAsync(definition, s.Token);
        await SweepAsync(s);
        await s.AdvanceAsync(BlobSweep.Grace * 2);
        RunStart start = s.Start();
        Subject run = await s.StartedAsync(
            start with { Entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin,
                start.Started with { DefinitionHash = definition.Hash }, s.Now) });
        Expect.Equal(new BlobSweep(0, 0, 0), await SweepAsync(s));
        Expect.True(await IsThereAsync(s, definition));
        await run.ClaimAsync();
        await run.CommitAsync(run.Ended());
        await s.AdvanceAsync(s_retention * 2);
        await PruneAsync(s, run.Id);
        Expect.Equal(new BlobSweep(0, 0, 1), await SweepAsync(s), "the first sweep after the run is gone");
    }

    private static async Task Sweep_AfterPrune_TakesWhatOnlyTheDeletedRunsNamed(Scene s)
    {
        await s.ReopenAsync(new StoreLimits { InlinePayload = 1_000 });
        Blob own = Content("its own"), shared = Content("shared");
        Subject old = await s.ClaimedAsync(), living = await s.ClaimedAsync();
        await old.CommitAsync(
            old.Batch(Scene.Fact(own.Hash + " " + shared.Hash), Scene.Fact(new string('y', 3_000))) with { Blobs = [own, shared] });
        await living.CommitAsync(living.Batch(Scene.Fact(shared.Hash)) with { Blobs = [shared] });
        await old.CommitAsync(old.Ended());
        await s.AdvanceAsync(s_retention * 2);
        Expect.Equal(new BlobSweep(0, 0, 0), await SweepAsync(s));
        await PruneAsync(s, old.Id);
        Expect.Equal(2L, (await SweepAsync(s)).Waiting);
        await s.AdvanceAsync(BlobSweep.Grace * 2);
        Expect.Equal(2L, (await SweepAsync(s)).Blobs);
        Expect.True(await IsThereAsync(s, shared) && !await IsThereAsync(s, own), "only what is named is left");
    }

    private static async Task Sweep_BesideRunsThatKeepTheSameContent_LosesNoneThatIsNamed(Scene s)
    {
        Blob[] blobs = [.. Enumerable.Range(0, 40).Select(i => Content($"content {i}"))];
        foreach (Blob blob in blobs)
            await s.Store.PutAsync(blob, s.Token);
        await SweepAsync(s);
        await s.AdvanceAsync(BlobSweep.Grace * 2);
        Subject[] runs = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => s.ClaimedAsync()));
        await Scene.AtOnceAsync(6, async i =>
        {
            for (int n = 0; n < 10; n++)
            {
                if (i >= 4)
                {
                    await SweepAsync(s);
                    continue;
                }

                Blob blob = blobs[(10 * i) + n];
                await s.Store.PutAsync(blob, s.Token);
                await runs[i].CommitAsync(Scene.Fact(blob.Hash));
            }

            return 0;
        });
        foreach (Blob blob in blobs)
            Expect.True(await IsThereAsync(s, blob), "a blob that a run names");
    }

    private static Blob Content(string text) => Blob.Of(System.Text.Encoding.UTF8.GetBytes(text));

    private static async Task<bool> IsThereAsync(Scene s, Blob blob) => (await s.Store.GetAsync(blob.Hash, s.Token)).HasValue;

    private static async Task<BlobSweep> SweepAsync(Scene s) => await Store(s).SweepBlobsAsync(apply: true, s.Token);

    private static IRetentionStore Store(Scene s) => Expect.Is<IRetentionStore>(s.Store.GetService<IRetentionStore>());

    private static Feedback FeedbackOn(Scene s, RunId run) =>
        new() { Id = "f1", Run = run, Kind = FeedbackKind.Explicit, Score = 1, By = "ann", At = s.Now };

    private static async Task<Subject> EndedAsync(Scene s, string tenant = "acme", string agent = "support")
    {
        Subject run = await s.ClaimedAsync(tenant, agent);
        await run.CommitAsync(run.Ended());
        return run;
    }

    /// <summary>A run, its child and its grandchild, all ended; with an inbox, a question and a snapshot.</summary>
    private static async Task<Subject[]> FamilyAsync(Scene s)
    {
        Subject root = await s.ClaimedAsync();
        Subject child = await s.ChildAsync(root);
        Subject grandchild = await s.ChildAsync(child, root.Id);
        await s.SignalAsync(root.Id);
        await child.CommitAsync(
            child.Batch(new QuestionAsked { Id = "q1", Kind = QuestionKind.UserInput,
                Text = "Which one?" }) with { Snapshot = new RunSnapshot(child.Sequence + 1, 1, new byte[] { 1 }) });
        Subject[] family = [root, child, grandchild];
        foreach (Subject run in family.Reverse())
            await run.CommitAsync(run.Ended());
        return family;
    }

    private static async Task<List<EndedFamily>> FindAsync(Scene s, Func<RetentionQuery, RetentionQuery>? change = null)
    {
        var query = new RetentionQuery(s_retention);
        List<EndedFamily> found = [];
        await foreach (EndedFamily family in Store(s).EndedAsync(change is null ? query : change(query), s.Token))
            found.Add(family);
        return found;
    }

    private static async Task<IReadOnlyList<RunId>> PruneAsync(Scene s, params RunId[] roots) =>
        await Store(s).PruneAsync(roots, s_retention, s.Token);

    private static EndedFamily Single(List<EndedFamily> families)
    {
        Expect.Equal(1, families.Count);
        return families[0];
    }
}
