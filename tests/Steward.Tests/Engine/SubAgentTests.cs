using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>Agents as tools: child runs. The models are scripted.</summary>
public sealed class SubAgentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calls_OfAgents_RunAsChildrenAndTheirAnswersComeBackInOrder()
    {
        Lab lab = Family(turns: [Calls_(("helper", new { task = "one" }), ("helper", new { task = "two" })), Says("both")]);
        RunId run = await lab.StartAsync(new RunRequest("go") { Tenant = "acme", User = "ana" });
        await FinishAsync(lab);

        RunState state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal("both", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Equal(["did one", "did two"], state.Completed.Select(c => c.Result));
        foreach (RunId id in state.Descent)
        {
            RunState child = Invariants.Check(await lab.JournalAsync(id));
            Assert.Equal(("helper", "acme", "ana", run), (child.Started.Agent, child.Started.Tenant, child.Started.User, child.Started.Parent!.Run));
        }

        Assert.Equal(2, state.ChildrenSpent.ModelCalls);
        BudgetInfo budget = Assert.Single(await lab.Store.BudgetsAsync(BudgetScope.ForRun(run).Key, cancellationToken: Token));
        Assert.Equal(4, budget.Spent.ModelCalls);
    }

    [Fact]
    public async Task Cancel_OfTheParent_GoesDown()
    {
        Lab lab = Family(turns: [Calls_(("helper", new { task = "ask" })), Says("never")]);
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);
        RunId child = Assert.Single((await lab.StateAsync(run)).Descent);
        Assert.Equal(RunStatus.Awaiting, (await lab.StateAsync(child)).Status);

        await lab.Store.SignalAsync(new Signal("c", run, new CancelSignal("ana", "enough")), Token);
        await FinishAsync(lab);

        Assert.Equal(RunStatus.Cancelled, (await lab.StateAsync(run)).Status);
        Assert.Equal($"run:{run}", Assert.IsType<RunCancelled>((await lab.StateAsync(child)).Outcome).By);
    }

    [Fact]
    public async Task KillSwitch_OfTheParent_StopsTheChildUntilItIsReleased()
    {
        Lab lab = Family(turns: [Calls_(("helper", new { task = "one" })), Says("over")]);
        RunId run = await lab.StartAsync();
        await lab.WorkAsync();
        await lab.Store.EngageAsync(new KillSwitch($"run:{run}", "ana", null, lab.Time.GetUtcNow()), Token);
        Assert.Null(await lab.WorkAsync());
        await lab.Store.ReleaseAsync($"run:{run}", Token);
        await FinishAsync(lab);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
    }

    [Fact]
    public async Task Ceiling_OfTheParent_ReachedInAChild_EndsTheChildAndTheParent()
    {
        Lab lab = Family(turns: [Calls_(("helper", new { task = "look" })), Says("partial")], ceilings: new BudgetCeilings { ModelCalls = 3 });
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        RunState state = await lab.StateAsync(run);
        Assert.True(state.Status.IsTerminal(), $"{state.Status} {state.Reason}");
        RunState child = await lab.StateAsync(state.Descent[0]);
        Assert.Equal(RunStatus.Failed, child.Status);
        BudgetInfo budget = Assert.Single(await lab.Store.BudgetsAsync(BudgetScope.ForRun(run).Key, cancellationToken: Token));
        Assert.InRange(budget.Spent.ModelCalls, 1, 3);
        Assert.Equal(default, budget.Reserved);
    }

    [Fact]
    public async Task Child_Failed_IsToldToTheParentWithTheReason()
    {
        Lab lab = Family(turns: [Calls_(("helper", new { task = "fail" })), Says("so be it")]);
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);
        CompletedCall call = Assert.Single((await lab.StateAsync(run)).Completed);
        Assert.True(call.IsError);
        Assert.Contains("did not complete (Failed): model_mistakes", call.Result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Depth_AtItsLimit_IsAnsweredToTheModel()
    {
        AgentDefinition agent = new AgentBuilder("tester").UseModel(Harness.Model).AddTools(BuiltInTools.Agent("tester", "Calls itself.", "again"))
            .WithLimits(new AgentLimits { Depth = 2 }).Build();
        var model = new FunctionModel((m, _) => m.Any(x => x.Role == ChatRole.Tool) ? Says("back") : Calls_(("again", new { task = "deeper" })));
        var lab = new Lab(model, agent);
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        IReadOnlyList<RunInfo> all = await lab.Store.FindAsync(new RunQuery(), Token);
        Assert.Equal(3, all.Count);
        RunId deepest = all.Single(r => r.Ancestors.Count == 2).Run;
        Assert.Equal(ToolRejection.Limit, (await lab.JournalAsync(deepest)).Select(e => e.Event).OfType<ToolRejected>().Single().Reason);
    }

    [Fact]
    public async Task Children_MoreThanAllowed_AreAnsweredToTheModel()
    {
        Lab lab = Family(turns: [Calls_([.. Enumerable.Range(0, 4).Select(i => ("helper", (object)new { task = $"t{i}" }))]), Says("over")], limits: new AgentLimits { Children = 3 });
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);
        RunState state = await lab.StateAsync(run);
        Assert.Equal(3, state.Descent.Length);
        Assert.Single(state.Completed, c => c.IsError);
    }

    [Fact]
    public async Task Agent_NotLoaded_IsAnsweredToTheModel()
    {
        var lab = new Lab(Script(Calls_(("ghost", new { task = "boo" })), Says("alone")), Harness.Agent(BuiltInTools.Agent("ghost", "Is not there.")).Build());
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);
        Assert.Equal("alone", Assert.IsType<RunCompleted>((await lab.StateAsync(run)).Outcome).Output);
    }

    [Fact]
    public async Task Crash_AtEveryStoreCall_StartsEachChildOnceAndLosesNone()
    {
        for (int n = 1; ; n++)
        {
            Lab lab = Family(turns: [Calls_(("helper", new { task = "one" }), ("helper", new { task = "two" })), Says("both")]);
            RunId run = await lab.StartAsync();
            var faulty = new FaultyStore(lab.Store) { FailAt = n, Moment = n % 2 == 0 ? FaultMoment.After : FaultMoment.Before, Lasting = true };
            try
            {
                while (await lab.WorkAsync("dying", faulty) is not null)
                    lab.Time.Advance(TimeSpan.FromSeconds(1));
            }
            catch (StoreException)
            {
                // The worker has died here.
            }

            lab.Time.Advance(Lab.LeaseDuration);
            await FinishAsync(lab);
            RunState state = Invariants.Check(await lab.JournalAsync(run));
            Assert.Equal("both", Assert.IsType<RunCompleted>(state.Outcome).Output);
            Assert.Equal(3, (await lab.Store.FindAsync(new RunQuery(), Token)).Count);
            if (faulty.Failed is null)
                return;
        }
    }

    private static async Task FinishAsync(Lab lab)
    {
        while (await lab.WorkAsync() is not null)
            lab.Time.Advance(TimeSpan.FromSeconds(1));
    }

    /// <summary>An agent whose tool is another agent, which does what it is told: "ask", "fail", "look", or anything else at once.</summary>
    private static Lab Family(ChatResponse[] turns, BudgetCeilings? ceilings = null, AgentLimits? limits = null)
    {
        AgentDefinition helper = new AgentBuilder("helper").UseModel(Harness.Model).AddTools(BuiltInTools.AskUser, Harness.Tool("look", a => a.GetRawText())).Build();
        var model = new FunctionModel((messages, _) =>
        {
            int said = messages.Count(m => m.Role == ChatRole.Assistant);
            return messages.First(m => m.Role == ChatRole.User).Text switch
            {
                "go" => turns[Math.Min(said, turns.Length - 1)],
                "ask" => Calls_(("ask_user", new { question = "Which?" })),
                "fail" => Says(""),
                "look" => Calls_(("look", new { n = said })),
                { } task => Says($"did {task}"),
            };
        });
        AgentDefinition agent = Harness.Agent(BuiltInTools.Agent("helper", "Helps.")).WithBudget(ceilings ?? BudgetCeilings.None).WithLimits(limits ?? new AgentLimits()).Build();
        return new Lab(model, agent, others: helper);
    }
}
