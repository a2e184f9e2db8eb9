using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class StartChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Start_New_KeepsItsFirstEntryAndIsClaimable),
        ConformanceCheck.Of(Start_SameKey_FindsTheFirstRun),
        ConformanceCheck.Of(Start_SameKeyOtherTenant_IsAnotherRun),
        ConformanceCheck.Of(Start_SameKeyAfterTheEnd_FindsTheFirstRun),
        ConformanceCheck.Of(Start_NoKey_AreTwoRuns),
        ConformanceCheck.Of(Start_SameIdAgain_FindsIt),
        ConformanceCheck.Of(Start_SameIdOtherTenant_IsRefused),
        ConformanceCheck.Of(Start_ManyAtOnceWithOneKey_MakeOneRun),
        ConformanceCheck.Of(Start_WithItsDefinition_KeepsIt),
        ConformanceCheck.Of(Start_DefinitionOfAnotherHash_IsRefused),
        ConformanceCheck.Of(Start_BrokenChain_IsRefused),
        ConformanceCheck.Of(Start_EntryOfAnotherRun_IsRefused),
        ConformanceCheck.Of(Start_RunCeilings_AreKept),
        ConformanceCheck.Of(Start_SessionCeilings_ApplyOnlyWhenThereAreNone),
        ConformanceCheck.Of(Start_DuplicateKey_SetsNoSessionCeilings),
    ];

    private static async Task Start_New_KeepsItsFirstEntryAndIsClaimable(Scene s)
    {
        Subject run = await s.StartedAsync(session: "42");
        List<JournalEntry> entries = await s.ReadAsync(run.Id);
        Expect.Equal(1, entries.Count);
        Expect.Bytes(run.First.Hash, entries[0].Hash);
        Expect.Equal("run.started", entries[0].Type);
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal("acme", info.Tenant);
        Expect.Equal("ann", info.User);
        Expect.Equal("42", info.Session);
        Expect.Equal("support", info.Agent);
        Expect.Equal("1", info.AgentVersion);
        Expect.Equal(RunStatus.Planning, info.Status);
        Expect.Equal("started", info.Reason);
        Expect.Equal(1L, info.Sequence);
        Expect.Equal(0L, info.Epoch);
        Expect.Equal(null, info.Worker);
        Expect.Equal(s.Now, info.CreatedAt);
        Expect.Equal(s.Now, info.UpdatedAt);
        Expect.True(info.ClaimableAt <= s.Now);
    }

    private static async Task Start_SameKey_FindsTheFirstRun(Scene s)
    {
        Subject first = await s.StartedAsync(key: "order-1");
        await first.ClaimAsync();
        await first.CommitAsync(Scene.Fact());
        RunStart again = s.Start(key: "order-1");
        Expect.Equal(new StartResult(first.Id, Created: false), await s.Store.StartAsync(again, s.Token));
        Expect.Equal(0, (await s.ReadAsync(again.Run)).Count);
        await first.UnchangedAsync();
    }

    private static async Task Start_SameKeyOtherTenant_IsAnotherRun(Scene s)
    {
        Subject first = await s.StartedAsync(tenant: "acme", key: "order-1");
        Subject second = await s.StartedAsync(tenant: "globex", key: "order-1");
        Expect.True(first.Id != second.Id);
        Expect.Equal(new StartResult(second.Id, Created: false), await s.Store.StartAsync(s.Start("globex", key: "order-1"), s.Token));
    }

    private static async Task Start_SameKeyAfterTheEnd_FindsTheFirstRun(Scene s)
    {
        Subject first = await s.StartedAsync(key: "order-1");
        await first.ClaimAsync();
        await first.CommitAsync(first.Ended());
        Expect.Equal(new StartResult(first.Id, Created: false), await s.Store.StartAsync(s.Start(key: "order-1"), s.Token));
    }

    private static async Task Start_NoKey_AreTwoRuns(Scene s)
    {
        Subject first = await s.StartedAsync();
        Subject second = await s.StartedAsync();
        Expect.True(first.Id != second.Id);
        Expect.Equal(2, (await s.Store.FindAsync(new RunQuery(), s.Token)).Count);
    }

    private static async Task Start_SameIdAgain_FindsIt(Scene s)
    {
        RunStart start = s.Start();
        await s.StartedAsync(start);
        Expect.Equal(new StartResult(start.Run, Created: false), await s.Store.StartAsync(start, s.Token));
        Expect.Equal(1, (await s.ReadAsync(start.Run)).Count);
    }

    private static async Task Start_SameIdOtherTenant_IsRefused(Scene s)
    {
        Subject run = await s.StartedAsync(tenant: "acme");
        var foreign = (RunStarted)s.Start("globex").Entry.Event;
        var start = new RunStart { Run = run.Id, Entry = JournalEntry.Create(run.Id, 1, JournalEntry.Origin, foreign, s.Now) };
        await Expect.ThrowsAsync<ArgumentException>(async () => await s.Store.StartAsync(start, s.Token));
        Expect.Equal("acme", (await s.InfoAsync(run.Id)).Tenant);
    }

    private static async Task Start_ManyAtOnceWithOneKey_MakeOneRun(Scene s)
    {
        StartResult[] results = await Scene.AtOnceAsync(32, async _ => await s.Store.StartAsync(s.Start(key: "order-1"), s.Token));
        Expect.Equal(1, results.Count(r => r.Created), "starts that created a run");
        Expect.Equal(1, results.Select(r => r.Run).Distinct().Count(), "runs that the starts named");
        Expect.Equal(1, (await s.Store.FindAsync(new RunQuery(), s.Token)).Count, "runs in the store");
    }

    private static async Task Start_WithItsDefinition_KeepsIt(Scene s)
    {
        Blob definition = Blob.Of("an agent"u8.ToArray());
        StartResult[] results = await Scene.AtOnceAsync(
            8, async i => await s.Store.StartAsync(s.Start(session: i % 2 == 0 ? "s" : null) with { Definition = definition }, s.Token));
        Expect.True(results.All(r => r.Created), "all were started");
        Expect.Bytes(definition.Content, await s.Store.GetAsync(definition.Hash, s.Token) ?? default);
    }

    private static async Task Start_DefinitionOfAnotherHash_IsRefused(Scene s)
    {
        Blob wrong = Blob.Of("an agent"u8.ToArray()) with { Content = "another one"u8.ToArray() };
        await Expect.ThrowsAsync<ArgumentException>(async () => await s.Store.StartAsync(s.Start() with { Definition = wrong }, s.Token));
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery(), s.Token)).Count);
    }

    private static async Task Start_BrokenChain_IsRefused(Scene s)
    {
        RunStart start = s.Start();
        JournalEntry broken = JournalEntry.Create(start.Run, 1, start.Entry.Hash, start.Started, s.Now);
        await Expect.ThrowsAsync<JournalException>(async () => await s.Store.StartAsync(start with { Entry = broken }, s.Token));
        Expect.Equal(0, (await s.ReadAsync(start.Run)).Count);
    }

    private static async Task Start_EntryOfAnotherRun_IsRefused(Scene s)
    {
        RunStart start = s.Start();
        await Expect.ThrowsAsync<ArgumentException>(async () => await s.Store.StartAsync(start with { Entry = s.Start().Entry }, s.Token));
        JournalEntry second = JournalEntry.Create(start.Run, 2, JournalEntry.Origin, start.Started, s.Now);
        await Expect.ThrowsAsync<ArgumentException>(async () => await s.Store.StartAsync(start with { Entry = second }, s.Token));
        Expect.Equal(0, (await s.Store.FindAsync(new RunQuery(), s.Token)).Count);
    }

    private static async Task Start_RunCeilings_AreKept(Scene s)
    {
        var ceilings = new BudgetCeilings { ModelCalls = 3, ToolCalls = 4, Tokens = 5_000, Usd = 0.125m };
        Subject run = await s.StartedAsync(ceilings: ceilings);
        Expect.Equal(ceilings, (await s.BudgetAsync(BudgetScope.ForRun(run.Id))).Ceilings);
    }

    private static async Task Start_SessionCeilings_ApplyOnlyWhenThereAreNone(Scene s)
    {
        BudgetScope scope = BudgetScope.ForSession("acme", "42");
        await s.StartedAsync(s.Start(session: "42") with { SessionCeilings = new BudgetCeilings { Usd = 1 } });
        Expect.Equal(new BudgetCeilings { Usd = 1 }, (await s.BudgetAsync(scope)).Ceilings);
        await s.StartedAsync(s.Start(session: "42") with { SessionCeilings = new BudgetCeilings { Usd = 9 } });
        Expect.Equal(new BudgetCeilings { Usd = 1 }, (await s.BudgetAsync(scope)).Ceilings);
        await s.StartedAsync(s.Start("globex", session: "42") with { SessionCeilings = new BudgetCeilings { Usd = 7 } });
        Expect.Equal(new BudgetCeilings { Usd = 7 }, (await s.BudgetAsync(BudgetScope.ForSession("globex", "42"))).Ceilings);
    }

    private static async Task Start_DuplicateKey_SetsNoSessionCeilings(Scene s)
    {
        await s.StartedAsync(session: "42", key: "k");
        await s.Store.StartAsync(s.Start(session: "42", key: "k") with { SessionCeilings = new BudgetCeilings { Usd = 9 } }, s.Token);
        Expect.Equal(BudgetCeilings.None, (await s.BudgetAsync(BudgetScope.ForSession("acme", "42"))).Ceilings);
    }
}
