using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing.Faults;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>A task that goes over to another agent for good. The models are scripted.</summary>
public sealed class HandOffTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Answer_OfTheOtherAgent_IsTheRunsWithoutAnotherTurn()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "refund 7" })), Says("never said"));
        RunId run = await desk.RunAsync(new RunRequest("go") { Tenant = "acme", User = "ana", Session = "s1" });

        RunState state = Invariants.Check(await desk.Lab.JournalAsync(run));
        Assert.Equal("billing did refund 7", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Equal(1, state.Turn);
        RunState child = Invariants.Check(await desk.Lab.JournalAsync(Assert.Single(state.Descent)));
        Assert.Equal(("billing", "acme", "ana", "s1"), (child.Started.Agent, child.Started.Tenant, child.Started.User, child.Started.Session));
        Assert.Equal("refund 7", Assert.IsType<TextPart>(Assert.Single(child.Started.Input)).Text);
        BudgetInfo budget = Assert.Single(await desk.Lab.Store.BudgetsAsync(BudgetScope.ForRun(run).Key, cancellationToken: Token));
        Assert.Equal(2, budget.Spent.ModelCalls);
    }

    [Fact]
    public async Task NextMessage_OfTheSession_SeesTheAnswer()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "refund 7" })));
        await desk.RunAsync(new RunRequest("go") { Session = "s1" });
        RunId next = await desk.RunAsync(new RunRequest("go on") { Session = "s1" });

        HistoryAdded history = Assert.Single((await desk.Lab.JournalAsync(next)).Select(e => e.Event).OfType<HistoryAdded>());
        Assert.Equal("billing did refund 7", Assert.Single(history.Messages).Output);
    }

    [Fact]
    public async Task Validators_OfTheFirstAgent_LookAtTheAnswerAndAtTheCallsOfTheOther()
    {
        Desk desk = new([new ToolCalledValidator(new ToolCalledOptions { Name = "looked", Tool = "look" })], Calls_(("hand_off_to_billing", new { brief = "look" })));
        RunId run = await desk.RunAsync();
        RunCompleted completed = Assert.IsType<RunCompleted>((await desk.Lab.StateAsync(run)).Outcome);
        Assert.Equal("looked around", completed.Output);
        Assert.StartsWith("looked: ", Assert.Single(completed.ProvedBy), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Validator_NotSatisfied_TellsTheFirstAgentWhichGoesOn()
    {
        Desk desk = new([new AnswerMatchesValidator("polite", "thank you")], Calls_(("hand_off_to_billing", new { brief = "refund 7" })), Says("refunded, thank you"));
        RunId run = await desk.RunAsync();

        List<JournalEntry> journal = await desk.Lab.JournalAsync(run);
        RunState state = Invariants.Check(journal);
        Assert.Equal("refunded, thank you", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Equal([Verdict.Failed, Verdict.Passed], journal.Select(e => e.Event).OfType<VerdictGiven>().Select(v => v.Verdict));
    }

    [Fact]
    public async Task OtherAgent_Failed_LeavesTheTaskWithTheFirst()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "fail" })), Says("I could not reach them"));
        RunId run = await desk.RunAsync();
        RunState state = await desk.Lab.StateAsync(run);
        Assert.Equal("I could not reach them", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Contains("did not complete (Failed)", Assert.Single(state.Completed).Result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HandOffs_TwoInOneMessage_OnlyTheFirstIsMade()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "one" }), ("hand_off_to_billing", new { brief = "two" }), ("look", new { })));
        RunId run = await desk.RunAsync();
        RunState state = await desk.Lab.StateAsync(run);
        Assert.Equal("billing did one", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Single(state.Descent);
        Assert.Contains("one agent only", Assert.Single(state.Completed, c => c.IsError).Result, StringComparison.Ordinal);
    }

    [Fact]
    public async Task HandOff_RefusedForItsArguments_LeavesRoomForTheNext()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { }), ("hand_off_to_billing", new { brief = "two" })));
        RunId run = await desk.RunAsync();
        Assert.Equal("billing did two", Assert.IsType<RunCompleted>((await desk.Lab.StateAsync(run)).Outcome).Output);
    }

    [Fact]
    public async Task Message_ThatCameMeanwhile_IsAnsweredByTheFirstAgent()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "ask" })), Says("as you wish"));
        RunId run = await desk.RunAsync();
        RunId child = Assert.Single((await desk.Lab.StateAsync(run)).Descent);
        await desk.Lab.Store.SignalAsync(new Signal("m", run, new MessageSignal([new TextPart("And one more thing.")])), Token);
        await desk.Lab.WorkAllAsync();
        await desk.Lab.Handle(child).AnswerAsync("ask-1.0", Answer.Reply, "ana", "this one", cancellationToken: Token);
        await desk.Lab.WorkAllAsync();

        RunState state = Invariants.Check(await desk.Lab.JournalAsync(run));
        Assert.Equal("as you wish", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.False(Assert.Single(state.Completed).IsError);
    }

    [Fact]
    public async Task Cancel_WhileTheOtherAgentHasIt_EndsBoth()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "ask" })));
        RunId run = await desk.RunAsync();
        RunId child = Assert.Single((await desk.Lab.StateAsync(run)).Descent);
        await desk.Lab.Store.SignalAsync(new Signal("c", run, new CancelSignal("ana", null)), Token);
        await desk.Lab.WorkAllAsync();
        Assert.Equal((RunStatus.Cancelled, RunStatus.Cancelled), ((await desk.Lab.StateAsync(run)).Status, (await desk.Lab.StateAsync(child)).Status));
    }

    [Fact]
    public async Task Approval_IsAskedBeforeTheTaskGoesOver()
    {
        AgentDefinition agent = Harness.Agent(BuiltInTools.HandOffTo("billing", "Money.")).AddApprovals(new ApprovalPolicy { Name = "money", Tools = ["hand_off_to_*"] }).Build();
        Desk desk = new(agent, Calls_(("hand_off_to_billing", new { brief = "refund 7" })));
        RunId run = await desk.RunAsync();
        Assert.Empty((await desk.Lab.StateAsync(run)).Descent);
        await desk.Lab.Handle(run).AnswerAsync("approve-1.0", Answer.Approve, "ana", cancellationToken: Token);
        await desk.Lab.WorkAllAsync();
        Assert.Equal("billing did refund 7", Assert.IsType<RunCompleted>((await desk.Lab.StateAsync(run)).Outcome).Output);
    }

    [Fact]
    public async Task Chain_OfHandOffs_EndsAtTheDepth()
    {
        AgentDefinition agent = Harness.Agent(BuiltInTools.HandOffTo("tester", "Anybody.")).WithLimits(new AgentLimits { Depth = 2 }).Build();
        Desk desk = new(agent, new FunctionModel((m, _) => m.Any(x => x.Role == ChatRole.Tool) ? Says("mine, then") : Calls_(("hand_off_to_tester", new { brief = "you" }))));
        RunId run = await desk.RunAsync();
        Assert.Equal("mine, then", Assert.IsType<RunCompleted>((await desk.Lab.StateAsync(run)).Outcome).Output);
        Assert.Equal(3, (await desk.Lab.Store.FindAsync(new RunQuery(), Token)).Count);
    }

    [Fact]
    public async Task Crash_AtEveryStoreCall_HandsOverOnceAndLosesNothing()
    {
        for (int n = 1; ; n++)
        {
            Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "one" }), ("look", new { })));
            RunId run = await desk.Lab.StartAsync();
            var faulty = new FaultyStore(desk.Lab.Store) { FailAt = n, Moment = n % 2 == 0 ? FaultMoment.After : FaultMoment.Before, Lasting = true };
            try
            {
                while (await desk.Lab.WorkAsync("dying", faulty) is not null)
                    desk.Lab.Time.Advance(TimeSpan.FromSeconds(1));
            }
            catch (StoreException)
            {
                // The worker has died here.
            }

            desk.Lab.Time.Advance(Lab.LeaseDuration);
            await desk.Lab.WorkAllAsync();
            RunState state = Invariants.Check(await desk.Lab.JournalAsync(run));
            Assert.Equal("billing did one", Assert.IsType<RunCompleted>(state.Outcome).Output);
            Assert.Equal(2, (await desk.Lab.Store.FindAsync(new RunQuery(), Token)).Count);
            if (faulty.Failed is null)
                return;
        }
    }

    [Fact]
    public async Task Replay_OfARunThatWasHandedOff_MatchesToItsEnd()
    {
        Desk desk = new(Calls_(("hand_off_to_billing", new { brief = "refund 7" })));
        RunId run = await desk.RunAsync();
        Steward.TimeTravel.ReplayReport report = await desk.ReplayAsync(run);
        Assert.Null(report.Divergence);
        Assert.Equal(report.Recorded, report.Matched);
    }

    /// <summary>An agent that can hand over to "billing", which does what the brief says: "ask", "fail", "look", or anything else at once.</summary>
    private sealed class Desk
    {
        private static readonly AgentDefinition s_billing = new AgentBuilder("billing").UseModel(Harness.Model).AddTools(BuiltInTools.AskUser, Harness.Tool("look", _ => "seen")).Build();

        public Desk(params ChatResponse[] turns)
            : this([], turns)
        {
        }

        public Desk(IReadOnlyList<IValidator> validators, params ChatResponse[] turns)
            : this(Harness.Agent(BuiltInTools.HandOffTo("billing", "Everything about money."), Harness.Tool("look", _ => "seen")).AddValidators([.. validators]).Build(), turns)
        {
        }

        public Desk(AgentDefinition agent, params ChatResponse[] turns)
            : this(agent, new FunctionModel((messages, _) => messages.Last(m => m.Role == ChatRole.User).Text switch
            {
                "ask" => messages.Any(m => m.Role == ChatRole.Tool) ? Says("asked") : Calls_(("ask_user", new { question = "Which?" })),
                "fail" => Says(""),
                "look" => messages.Any(m => m.Role == ChatRole.Tool) ? Says("looked around") : Calls_(("look", new { })),
                "go" => turns[messages.Any(m => m.Role == ChatRole.Tool) ? Math.Min(1, turns.Length - 1) : 0],
                "go on" => Says("gone on"),
                { } text when text.StartsWith("Your answer was empty", StringComparison.Ordinal) => Says(""),
                { } text when messages.Any(m => m.Text == "go") => turns[Math.Min(1, turns.Length - 1)],
                { } brief => Says($"billing did {brief}"),
            }))
        {
        }

        public Desk(AgentDefinition agent, FunctionModel model) => Lab = new Lab(model, agent, others: s_billing);

        public Lab Lab { get; }

        public async Task<RunId> RunAsync(RunRequest? request = null)
        {
            RunId run = await Lab.StartAsync(request);
            await Lab.WorkAllAsync();
            return run;
        }

        public async Task<Steward.TimeTravel.ReplayReport> ReplayAsync(RunId run) => await Lab.Client().ReplayAsync(run, cancellationToken: Token);
    }
}
