using System.Text.Json;
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

/// <summary>Plan, execute, validate, reflect. The models are scripted.</summary>
public sealed class PlannedModeTests
{
    private const string Two = """{"steps":[{"id":"a","goal":"find the user","successCriterion":"id known"},{"id":"b","goal":"find the shop","successCriterion":"id known"},{"id":"c","goal":"join both","successCriterion":"joined","dependsOn":["a","b"]}]}""";

    [Fact]
    public async Task Steps_Independent_RunSideBySideAndDependentOnesAfter()
    {
        var world = new World { Plans = [Two] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync(new RunRequest("Join the user and the shop."));
        await lab.WorkAsync();

        Assert.Equal(["a", "b"], (await lab.StateAsync(run)).Children.Select(c => c.Step));
        await FinishAsync(lab);

        RunState state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal("The end.", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Equal(["planning", "executing", "awaiting", "executing", "awaiting", "executing", "completed"], await StatesAsync(lab, run));
        Assert.All(world.StepInputs, input => Assert.Contains("The whole task: Join the user and the shop.", input, StringComparison.Ordinal));
        string last = world.StepInputs.Single(i => i.Contains("Your step (c)", StringComparison.Ordinal));
        Assert.Contains("Result of step 'a' (find the user):\nResult of a", last, StringComparison.Ordinal);
        Assert.DoesNotContain(world.StepInputs.Where(i => !i.Contains("Your step (c)", StringComparison.Ordinal)), i => i.Contains("Result of step", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Plan_Bad_IsAnsweredWithWhatIsWrongTwiceThenFails()
    {
        var world = new World { Plans = ["no plan at all", """{"steps":[{"id":"a","goal":"x"}]}""", """{"steps":[{"id":"a","goal":"x","successCriterion":"y","tools":["nothing"]}]}"""] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        RunState state = await lab.StateAsync(run);
        Assert.Equal("bad_plan", Assert.IsType<RunFailed>(state.Outcome).Code);
        string[] told = [.. (await lab.JournalAsync(run)).Select(e => e.Event).OfType<GuidanceAdded>().Where(g => g.Reason == Guidance.BadPlan).Select(g => g.Text)];
        Assert.Equal(2, told.Length);
        Assert.StartsWith("The answer is not a JSON object.", told[0], StringComparison.Ordinal);
        Assert.Contains("at /steps/0", told[1], StringComparison.Ordinal);
        Assert.Contains("'nothing'", ((RunFailed)state.Outcome).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Plan_SameAgainAfterAFailure_IsRefused()
    {
        const string Failing = """{"steps":[{"id":"a","goal":"fail","successCriterion":"never"}]}""";
        var world = new World { Plans = [Failing, """{"reflection":"I just try again.","steps":[{"id":"a","goal":"fail","successCriterion":"never"}]}""", """{"reflection":"Another way.","steps":[{"id":"a","goal":"find it","successCriterion":"found"}]}"""] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        List<RunEvent> events = [.. (await lab.JournalAsync(run)).Select(e => e.Event)];
        Assert.Contains(events.OfType<GuidanceAdded>(), g => g.Reason == Guidance.BadPlan && g.Text.Contains("This very plan was tried before", StringComparison.Ordinal));
        Assert.Equal(["step_failed"], events.OfType<StateChanged>().Where(c => c.To == RunStatus.Reflecting).Select(c => c.Reason));
        Assert.Equal([1, 2], events.OfType<PlanMade>().Select(p => p.Round));
        Assert.Equal("Another way.", events.OfType<PlanMade>().Last().Plan.Reflection);
    }

    [Fact]
    public async Task Call_ThatFailedInAnEarlierPlan_IsRefusedInTheNext()
    {
        int calls = 0;
        ToolDefinition breaks = new("breaks", "Tested.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) =>
        {
            calls++;
            throw new ToolException("The shop is closed.");
        })
        { Effect = ToolEffect.ReadOnly };
        var world = new World
        {
            Tools = [breaks],
            Plans = ["""{"steps":[{"id":"a","goal":"call then fail","successCriterion":"x"}]}""", """{"reflection":"Differently.","steps":[{"id":"b","goal":"call then find","successCriterion":"x"}]}"""],
        };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal(1, calls);
        RunId second = (await lab.StateAsync(run)).Descent[^1];
        Assert.Contains((await lab.JournalAsync(second)).Select(e => e.Event).OfType<ToolRejected>(), r => r.Message.Contains("failed in an earlier attempt", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("\"destructive\":true")]
    [InlineData("\"estimatedCost\":101")]
    [InlineData("\"tools\":[\"wipe\"]")]
    public async Task Plan_DestructiveOrDear_AwaitsApprovalBeforeAnythingRuns(string why)
    {
        ToolDefinition wipe = new("wipe", "Tested.", JsonElement.Parse("""{"type":"object"}"""), (_, _, _) => ValueTask.FromResult(new ToolOutput("gone"))) { Destructive = true };
        var world = new World { Tools = [wipe], Plans = [$$"""{"steps":[{"id":"a","goal":"find it","successCriterion":"found"},{"id":"b","goal":"find more","successCriterion":"found",{{why}}}]}"""] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        RunState waiting = await lab.StateAsync(run);
        Assert.Equal((RunStatus.Awaiting, "plan_approval"), (waiting.Status, waiting.Reason));
        Assert.Empty(waiting.Descent);
        DecisionResult decided = await lab.Store.DecideAsync(new Decision { Id = "d", Run = run, Question = Assert.Single(waiting.Questions).Id, Answer = Answer.Approve, By = "ana" }, TestContext.Current.CancellationToken);
        Assert.Equal(DecisionStatus.Accepted, decided.Status);
        await FinishAsync(lab);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
    }

    [Fact]
    public async Task Plan_CheapAndHarmless_RunsWithoutAsking()
    {
        var world = new World { Plans = ["""{"steps":[{"id":"a","goal":"find it","successCriterion":"found","estimatedCost":100}]}"""] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.DoesNotContain((await lab.JournalAsync(run)).Select(e => e.Event), e => e is QuestionAsked);
    }

    [Fact]
    public async Task Verdict_Failed_LeadsToReflectionAndANewPlan()
    {
        int looks = 0;
        var validator = new DelegateValidator("world", "looks", (_, _) => ValueTask.FromResult(++looks == 1 ? Finding.Failed("Nothing was sent.") : Finding.Passed("Sent once.")));
        var world = new World { Validators = [validator], Plans = ["""{"steps":[{"id":"a","goal":"find it","successCriterion":"found"}]}""", """{"reflection":"It was not sent.","steps":[{"id":"s","goal":"find and send","successCriterion":"sent"}]}"""] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        RunCompleted completed = Assert.IsType<RunCompleted>((await lab.StateAsync(run)).Outcome);
        Assert.Equal(["world: Sent once."], completed.ProvedBy);
        Assert.Equal(["validation_failed"], (await lab.JournalAsync(run)).Select(e => e.Event).OfType<StateChanged>().Where(c => c.To == RunStatus.Reflecting).Select(c => c.Reason));
    }

    [Fact]
    public async Task Plans_NeverLeadToTheGoal_FailAtTheCap()
    {
        int n = 0;
        var world = new World { MakePlan = () => $$"""{"reflection":"r{{n}}","steps":[{"id":"a{{n++}}","goal":"fail","successCriterion":"never"}]}""" };
        Lab lab = world.Lab(new PlanningOptions { MaxRounds = 3 });
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        RunState state = await lab.StateAsync(run);
        Assert.Equal("iterations", Assert.IsType<RunFailed>(state.Outcome).Code);
        Assert.Equal(3, state.Planning.Round);
    }

    [Fact]
    public async Task Auto_PlannerSaysNone_GoesOnInDirectMode()
    {
        var world = new World { Plans = ["""{"direct": true}"""], Tools = [Harness.Tool("look", _ => "seven")] };
        Lab lab = world.Lab(new PlanningOptions { Mode = PlanningMode.Auto });
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);

        RunState state = Invariants.Check(await lab.JournalAsync(run));
        Assert.Equal("Done directly.", Assert.IsType<RunCompleted>(state.Outcome).Output);
        Assert.Equal("look", Assert.Single(state.Completed).Name);
    }

    [Fact]
    public async Task ToolCall_OfThePlanner_IsNotMade()
    {
        int made = 0;
        var world = new World { Tools = [Harness.Tool("look", _ => $"{++made}")], PlannerCallsATool = true, Plans = ["""{"steps":[{"id":"a","goal":"find it","successCriterion":"found"}]}"""] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync();
        await FinishAsync(lab);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal(0, made);
    }

    [Fact]
    public async Task Budget_OfTheRun_HoldsOverItsSteps()
    {
        var world = new World { Plans = [Two] };
        Lab lab = world.Lab();
        RunId run = await lab.StartAsync(new RunRequest("go") { Ceilings = new BudgetCeilings { ModelCalls = 3 } });
        await FinishAsync(lab);

        RunState state = await lab.StateAsync(run);
        Assert.True(state.Status is RunStatus.Failed, $"{state.Status} {state.Reason}");
        BudgetInfo budget = Assert.Single(await lab.Store.BudgetsAsync(BudgetScope.ForRun(run).Key, cancellationToken: TestContext.Current.CancellationToken));
        Assert.InRange(budget.Spent.ModelCalls, 1, 3);
        Assert.Equal(default, budget.Reserved);
    }

    [Fact]
    public async Task Crash_AtEveryStoreCall_EndsAllTheSame()
    {
        for (int n = 1; ; n++)
        {
            var world = new World { Plans = [Two] };
            Lab lab = world.Lab();
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
            Assert.Equal(RunStatus.Completed, state.Status);
            Assert.Equal(3, state.Descent.Length);
            if (faulty.Failed is null)
                return;
        }
    }

    private static async Task FinishAsync(Lab lab)
    {
        while (await lab.WorkAsync() is not null)
            lab.Time.Advance(TimeSpan.FromSeconds(1));
    }

    private static async Task<string[]> StatesAsync(Lab lab, RunId run) =>
        ["planning", .. (await lab.JournalAsync(run)).Select(e => e.Event).OfType<StateChanged>().Select(c => c.To.Name())];

    /// <summary>A planner that answers its plans in order, and steps that do what their goal says: find, call, fail.</summary>
    private sealed class World
    {
        private int _plan;
        private bool _called;

        public IReadOnlyList<string> Plans { get; init; } = [];

        public Func<string>? MakePlan { get; init; }

        public IReadOnlyList<ToolDefinition> Tools { get; init; } = [];

        public IReadOnlyList<IValidator> Validators { get; init; } = [];

        public bool PlannerCallsATool { get; init; }

        public List<string> StepInputs { get; } = [];

        public Lab Lab(PlanningOptions? options = null) =>
            new(new FunctionModel(Answer), Harness.Agent(Tools).UsePlanning(options).AddValidators(Validators).Build());

        private ChatResponse Answer(IReadOnlyList<ChatMessage> messages, ChatOptions options)
        {
            string first = messages.First(m => m.Role == ChatRole.User).Text;
            string last = messages[^1].Text;
            if (first.StartsWith("You carry out one step", StringComparison.Ordinal))
                return Step(first, messages);
            if (last.StartsWith("No plan is needed", StringComparison.Ordinal))
                return Calls_(("look", new { }));
            if (messages[^1].Role == ChatRole.Tool && !PlannerCallsATool)
                return Says("Done directly.");
            if (last.StartsWith("All steps of the plan are done", StringComparison.Ordinal))
                return Says("The end.");
            if (PlannerCallsATool && !_called)
            {
                _called = true;
                return Calls_(("look", new { }));
            }

            return Says(MakePlan?.Invoke() ?? Plans[Math.Min(_plan++, Plans.Count - 1)]);
        }

        private ChatResponse Step(string task, IReadOnlyList<ChatMessage> messages)
        {
            if (messages.Count(m => m.Role == ChatRole.User) == 1 && !StepInputs.Contains(task))
                StepInputs.Add(task);
            if (task.Contains("): call then", StringComparison.Ordinal) && !messages.Any(m => m.Role == ChatRole.Tool))
                return Calls_(("breaks", new { }));
            if (task.Contains("fail", StringComparison.Ordinal))
                return Says("");
            int at = task.IndexOf("Your step (", StringComparison.Ordinal) + 11;
            return Says($"Result of {task[at..task.IndexOf(')', at)]}");
        }
    }
}
