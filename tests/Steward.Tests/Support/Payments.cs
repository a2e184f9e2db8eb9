using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Testing;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Support;

/// <summary>An agent that pays, in a <see cref="Lab"/>: what was paid is what the tool was really called with.</summary>
internal sealed class Payments
{
    private const string Schema = """{"type":"object","required":["amount"],"properties":{"amount":{"type":"integer","minimum":1},"to":{"type":"string"}},"additionalProperties":false}""";

    private readonly Lock _lock = new();
    private readonly List<string> _paid = [];

    public Payments(ChatResponse[] turns, ApprovalPolicy[] policies, IStewardStore? store = null, ManualTimeProvider? time = null, string version = "1", bool declared = false) =>
        Lab = new Lab(Script(turns), AgentOf(version, declared, policies), store, time);

    public Lab Lab { get; }

    /// <summary>The arguments of each payment that was made, as they came.</summary>
    public IReadOnlyList<string> Paid
    {
        get
        {
            lock (_lock)
                return [.. _paid];
        }
    }

    public static ChatResponse Pays(params int[] amounts) => Calls_([.. amounts.Select(a => ("pay", (object)new { amount = a }))]);

    public static Payments Once(int amount, params ApprovalPolicy[] policies) => new([Pays(amount), Says("done")], policies);

    /// <summary>Starts a run and works on it until it waits or ends.</summary>
    public async Task<RunId> AskAsync()
    {
        RunId run = await Lab.StartAsync();
        await WorkAsync();
        return run;
    }

    public async Task WorkAsync()
    {
        while (await Lab.WorkAsync() is not null)
        {
            // Until nothing is left to claim.
        }
    }

    public async Task<QuestionInfo[]> OpenAsync(RunId run) => [.. await Lab.Handle(run).GetQuestionsAsync(TestContext.Current.CancellationToken)];

    public async Task<QuestionInfo> TheQuestionAsync(RunId run) => Assert.Single(await OpenAsync(run));

    public async Task<QuestionInfo> ClosedAsync(RunId run, string question) =>
        Assert.Single(await Lab.Store.QuestionsAsync(new QuestionQuery { Run = run, Id = question, Status = null }, TestContext.Current.CancellationToken));

    public ValueTask<DecisionResult> DecideAsync(RunId run, string question, Answer answer, string by = "ana", Func<Decision, Decision>? with = null)
    {
        var decision = new Decision { Id = Guid.NewGuid().ToString("n"), Run = run, Question = question, Answer = answer, By = by };
        return Lab.Handle(run).DecideAsync(with?.Invoke(decision) ?? decision, TestContext.Current.CancellationToken);
    }

    public async Task<DecisionStatus> ApproveAsync(RunId run, string question, string by = "ana", Func<Decision, Decision>? with = null) =>
        (await DecideAsync(run, question, Answer.Approve, by, with)).Status;

    /// <summary>What the model read as the results of its calls, in order.</summary>
    public async Task<string[]> ResultsAsync(RunId run) => [.. (await Lab.StateAsync(run)).Completed.OrderBy(c => (c.Turn, c.Index)).Select(c => c.Result)];

    public async Task<RunState> CheckedAsync(RunId run) => Invariants.Check(await Lab.JournalAsync(run));

    private AgentDefinition AgentOf(string version, bool declared, ApprovalPolicy[] policies)
    {
        ToolDefinition pay = new("pay", "Pays.", JsonElement.Parse(Schema), (_, arguments, _) =>
        {
            lock (_lock)
                _paid.Add(JsonSerializer.Serialize(arguments));
            return ValueTask.FromResult(new ToolOutput("paid"));
        })
        { RequiresApproval = declared, Destructive = true, CostUsd = 0.10m };
        return new AgentBuilder("tester", version).Instruct($"You pay by version {version}.").UseModel(Harness.Model)
            .AddTools(pay, Harness.Tool("look", _ => "seven"), BuiltInTools.AskUser).AddApprovals(policies).Build();
    }
}
