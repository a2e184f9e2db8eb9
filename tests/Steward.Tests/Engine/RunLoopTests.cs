using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Client;
using Steward.Journal;
using Steward.Models;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

public sealed class RunLoopTests
{
    [Fact]
    public async Task Run_ToolThenAnswer_CompletesWithTransitionsAndCost()
    {
        await using Harness harness = New(Script(Calls_(("weather", new { city = "Cluj" })), Says("It is sunny.")), Harness.Agent(Harness.Tool("weather", a => $"sunny in {a.GetProperty("city")}")));

        RunResult result = await harness.RunAsync("What is the weather?");

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.Equal("It is sunny.", result.Output);
        Assert.Equal(new BudgetAmount(2, 1, 220, 0.00024m), result.Spent);
        List<RunEvent> events = await harness.EventsAsync(result.Run);
        Assert.Equal(
            ["run.started", "run.claimed", "state.changed", "model.started", "model.returned", "tool.started", "tool.returned", "model.started", "model.returned", "state.changed", "run.completed"],
            events.Select(EventWire.NameOf));
        Assert.Equal(["direct_mode", "answered"], events.OfType<StateChanged>().Select(c => c.Reason));
        Assert.Equal("sunny in Cluj", events.OfType<ToolReturned>().Single().Result);
    }

    [Fact]
    public async Task Run_ParallelCalls_ResultsInCallOrderWhateverEndsFirst()
    {
        using var slow = new SemaphoreSlim(0);
        ToolDefinition first = new("first", "Tested.", System.Text.Json.JsonElement.Parse("{}"), async (_, _, c) =>
        {
            await slow.WaitAsync(c);
            return new ToolOutput("one");
        })
        { Effect = ToolEffect.ReadOnly };
        ToolDefinition second = Harness.Tool("second", _ =>
        {
            slow.Release();
            return "two";
        });
        IReadOnlyList<ChatMessage>? seen = null;
        var model = new FunctionModel((messages, _) =>
        {
            seen = [.. messages];
            return messages.Any(m => m.Role == ChatRole.Tool) ? Says("done") : Calls_(("first", new { }), ("second", new { }));
        });
        await using Harness harness = New(model, Harness.Agent(first, second));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.Equal(["one", "two"], seen!.Single(m => m.Role == ChatRole.Tool).Contents.Cast<FunctionResultContent>().Select(r => r.Result));
    }

    [Fact]
    public async Task Run_UnknownTool_ModelIsToldTheNearestNames()
    {
        await using Harness harness = New(Script(Calls_(("get_wether", new { })), Says("ok")), Harness.Agent(Harness.Tool("get_weather", _ => "x"), Harness.Tool("send_mail", _ => "x")));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        ToolRejected rejected = (await harness.EventsAsync(result.Run)).OfType<ToolRejected>().Single();
        Assert.Equal(ToolRejection.UnknownTool, rejected.Reason);
        Assert.StartsWith("There is no tool 'get_wether'. The nearest are: get_weather", rejected.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_InvalidArguments_ModelIsToldThePointer()
    {
        ToolDefinition tool = Harness.Tool("search", _ => "x", schema: """{"type":"object","properties":{"limit":{"type":"integer","maximum":50}},"required":["limit"]}""");
        await using Harness harness = New(Script(Calls_(("search", new { limit = 500 })), Says("ok")), Harness.Agent(tool));

        RunResult result = await harness.RunAsync("go");

        ToolRejected rejected = (await harness.EventsAsync(result.Run)).OfType<ToolRejected>().Single();
        Assert.Equal(ToolRejection.InvalidArguments, rejected.Reason);
        Assert.Contains("/limit", rejected.Message, StringComparison.Ordinal);
        Assert.Contains("50", rejected.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_DuplicateCallIds_FirstRunsSecondIsRefused()
    {
        int count = 0;
        await using Harness harness = New(
            Script(CallsWithIds(("x", "add", new { n = 1 }), ("x", "add", new { n = 2 })), Says("ok")),
            Harness.Agent(Harness.Tool("add", _ => $"{++count}")));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.Equal(1, count);
        Assert.Equal(ToolRejection.DuplicateId, (await harness.EventsAsync(result.Run)).OfType<ToolRejected>().Single().Reason);
    }

    [Fact]
    public async Task Run_MistakesWithoutEnd_FailsAtTheLimit()
    {
        await using Harness harness = New(
            new FunctionModel((_, _) => Calls_(("nothing", new { }))),
            Harness.Agent(Harness.Tool("something", _ => "x")).WithLimits(new AgentLimits { Mistakes = 3 }));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, "model_mistakes"), (result.Status, result.Reason));
        Assert.Equal(3, result.Spent.ModelCalls);
    }

    [Fact]
    public async Task Run_EmptyThenAnswer_GuidesAndCompletes()
    {
        var empty = new ChatResponse(new ChatMessage(ChatRole.Assistant, "")) { FinishReason = ChatFinishReason.Stop };
        await using Harness harness = New(new FunctionModel((m, _) => m.Any(x => x.Text.Contains("was empty", StringComparison.Ordinal)) ? Says("here") : empty), Harness.Agent());

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "here"), (result.Status, result.Output));
    }

    [Fact]
    public async Task Run_SameCallAgainAndAgain_RefusedThenFails()
    {
        int count = 0;
        await using Harness harness = New(new FunctionModel((_, _) => Calls_(("look", new { id = 1 }))), Harness.Agent(Harness.Tool("look", _ => { count++; return "same"; })));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, "model_mistakes"), (result.Status, result.Reason));
        Assert.Equal(3, count);
    }

    [Fact]
    public async Task Run_SameUnsafeCallAgain_IsNotMadeAgain()
    {
        int count = 0;
        await using Harness harness = New(
            Script(Calls_(("send", new { to = "ana" })), Calls_(("send", new { to = "ana" })), Says("sent")),
            Harness.Agent(Harness.Tool("send", _ => { count++; return "ok"; }, ToolEffect.Unsafe)));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal(RunStatus.Completed, result.Status);
        Assert.Equal(1, count);
    }

    [Fact]
    public async Task Run_IterationCap_WrapsUpThenStopsWithPartial()
    {
        int n = 0;
        var model = new FunctionModel((m, o) => o.ToolMode == ChatToolMode.None ? Says("I got half way.") : Calls_(("step", new { n = n++ })));
        await using Harness harness = New(model, Harness.Agent(Harness.Tool("step", a => a.GetRawText())).WithLimits(new AgentLimits { Iterations = 4 }));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, "ceiling_reached", "I got half way."), (result.Status, result.Reason, result.Output));
        Assert.Equal(4, result.Spent.ModelCalls);
    }

    [Fact]
    public async Task Run_VerdictFails_ModelMendsAndCompletesWithEvidence()
    {
        bool sent = false;
        var validator = new Check("sent", () => sent ? Finding.Passed("one message is stored") : Finding.Failed("no message is stored."));
        var model = new FunctionModel((m, _) =>
            m[^1].Role == ChatRole.Tool ? Says("Sent now.")
            : m.Any(x => x.Text.Contains("did not pass", StringComparison.Ordinal)) ? Calls_(("send", new { }))
            : Says("All done!"));
        await using Harness harness = New(model, Harness.Agent(Harness.Tool("send", _ => { sent = true; return "ok"; }, ToolEffect.Unsafe)).AddValidators(validator));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "Sent now."), (result.Status, result.Output));
        Assert.Equal(["sent: one message is stored"], result.ProvedBy);
    }

    [Fact]
    public async Task Run_VerdictNeverPasses_NeverClaimsSuccess()
    {
        await using Harness harness = New(Script(Says("Done!")), Harness.Agent().AddValidators(new Check("no", () => Finding.Failed("nothing is there."))));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, "validation_failed"), (result.Status, result.Reason));
    }

    [Fact]
    public async Task Run_UnknownPrice_FailsClosedWithoutACall()
    {
        var model = Script(Says("x"));
        AgentBuilder agent = new AgentBuilder("tester").UseModel(new ModelTarget(Harness.Provider, "unpriced"));
        await using Harness harness = New(model, agent);

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, "price_unknown"), (result.Status, result.Reason));
        Assert.Equal(0, model.Calls);
    }

    [Fact]
    public async Task Run_BudgetTooSmall_ShrinksThenWrapsUpThenStops()
    {
        int n = 0;
        List<int?> outputs = [];
        var model = new FunctionModel((m, o) =>
        {
            outputs.Add(o.MaxOutputTokens);
            ChatResponse r = o.ToolMode == ChatToolMode.None ? Says("partial") : Calls_(("step", new { n = n++ }));
            r.Usage!.OutputTokenCount = o.MaxOutputTokens;
            return r;
        });
        await using Harness harness = New(model, Harness.Agent(Harness.Tool("step", a => a.GetRawText())).WithBudget(new BudgetCeilings { Tokens = 6_000 }));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Failed, "budget_exhausted", "partial"), (result.Status, result.Reason, result.Output));
        Assert.InRange(result.Spent.Tokens, 1, 6_000);
        Assert.Contains(outputs, o => o is > 64 and < 1_000);
    }

    [Fact]
    public async Task Run_FailingModel_RetriesThenFallsBack()
    {
        int failures = 0;
        var model = new FunctionModel((_, o) => o.ModelId == "m" ? throw new ModelException(ModelFailure.Overloaded, $"busy {++failures}") { NotBilled = true } : Says("from b"));
        AgentBuilder agent = new AgentBuilder("tester").UseModel(Harness.Model, Harness.Model with { Model = "b" });
        await using var harness = new Harness(new InMemoryStewardStore(TimeProvider.System), model, agent.Build(), o => o.Prices.Add(Harness.Price with { Model = "b" }));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "from b"), (result.Status, result.Output));
        Assert.Equal(3, failures);
        List<RunEvent> events = await harness.EventsAsync(result.Run);
        Assert.Equal([1, 2, 3, 4], events.OfType<ModelStarted>().Select(m => m.Attempt));
        Assert.Equal(4, result.Spent.ModelCalls);
    }

    [Fact]
    public async Task Cancel_ToolThatNeverReturns_EndsWithinTheGrace()
    {
        var begun = new TaskCompletionSource();
        ToolDefinition hang = new("hang", "Tested.", System.Text.Json.JsonElement.Parse("{}"), async (_, _, _) =>
        {
            begun.SetResult();
            await new TaskCompletionSource().Task;
            return default;
        });
        await using Harness harness = New(Script(Calls_(("hang", new { }))), Harness.Agent(hang));
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), TestContext.Current.CancellationToken);
        await begun.Task;

        await run.CancelAsync("me", "enough", cancellationToken: TestContext.Current.CancellationToken);
        RunResult result = await run.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal((RunStatus.Cancelled, "enough"), (result.Status, result.Message));
        Assert.Equal(ToolFailure.OutcomeUnknown, (await harness.EventsAsync(run.Id)).OfType<ToolFailed>().Single().Failure);
    }

    [Fact]
    public async Task Run_LargeResult_IsPreviewedAndCanBeReadOn()
    {
        string big = new('x', 20_000);
        var model = new FunctionModel((m, _) =>
        {
            if (m[^1].Role != ChatRole.Tool)
                return Calls_(("big", new { }));
            string last = (string)((FunctionResultContent)m[^1].Contents[0]).Result!;
            if (last.Contains("[end]", StringComparison.Ordinal))
                return Says("read it all");
            string id = System.Text.RegularExpressions.Regex.Match(string.Concat(m.SelectMany(x => x.Contents.OfType<FunctionResultContent>()).Select(r => (string)r.Result!)), "result: \"([0-9a-f]{16})\"").Groups[1].Value;
            return Calls_(("read_result", new { result = id, offset = 8192, bytes = 32768 }));
        });
        await using Harness harness = New(model, Harness.Agent(Harness.Tool("big", _ => big + "é")));

        RunResult result = await harness.RunAsync("go");

        Assert.Equal((RunStatus.Completed, "read it all"), (result.Status, result.Output));
        ToolReturned preview = (await harness.EventsAsync(result.Run)).OfType<ToolReturned>().First();
        Assert.Equal(20_002, preview.Length);
        Assert.True(preview.Result.Length < 9_000);
    }

    [Fact]
    public async Task Kill_Engaged_ParksUntilReleased()
    {
        using var gate = new SemaphoreSlim(0);
        var begun = new TaskCompletionSource();
        ToolDefinition tool = new("work", "Tested.", System.Text.Json.JsonElement.Parse("{}"), async (_, _, c) =>
        {
            begun.TrySetResult();
            await gate.WaitAsync(c);
            return new ToolOutput("worked");
        })
        { Effect = ToolEffect.ReadOnly };
        await using Harness harness = New(Script(Calls_(("work", new { })), Says("done")), Harness.Agent(tool));
        await harness.StartAsync();
        RunHandle run = await harness.Client.StartAsync("tester", new RunRequest("go"), TestContext.Current.CancellationToken);
        await begun.Task;

        await harness.Store.EngageAsync(new KillSwitch("global", "me", "drill", TimeProvider.System.GetUtcNow()), TestContext.Current.CancellationToken);
        RunResult parked = await run.WaitUntilSettledAsync(TestContext.Current.CancellationToken);
        Assert.Equal((RunStatus.Awaiting, "kill_switch"), (parked.Status, parked.Reason));
        gate.Release(10);
        await harness.Store.ReleaseAsync("global", TestContext.Current.CancellationToken);
        RunResult result = await run.WaitAsync(TestContext.Current.CancellationToken);

        Assert.Equal((RunStatus.Completed, "done"), (result.Status, result.Output));
    }

    private static Harness New(FunctionModel model, AgentBuilder agent) => new(new InMemoryStewardStore(TimeProvider.System), model, agent.Build());

    private sealed class Check(string name, Func<Finding> look) : IValidator
    {
        public string Name => name;

        public string Description => "a check";

        public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken) => ValueTask.FromResult(look());
    }
}
