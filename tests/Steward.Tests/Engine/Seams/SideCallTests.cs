using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.Models;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.TimeTravel;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine.Seams;

public sealed class SideCallTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_WithASideCall_AsksOnceBesideTheConversationAndReadsTheAnswer()
    {
        List<string[]> requests = [];
        var lab = new Lab(Model(requests), Agent());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        RunState state = await lab.StateAsync(run);
        RunEvent[] events = [.. (await lab.JournalAsync(run)).Select(e => e.Event)];
        ModelStarted beside = Assert.Single(events.OfType<ModelStarted>(), e => e.Purpose == "topic");
        Assert.Equal(ModelRole.Summarizer, beside.Role);
        Assert.Single(requests[1]);
        Assert.DoesNotContain(requests[2], m => m.StartsWith("In one word", StringComparison.Ordinal));
        Assert.Contains("The topic is tea.", requests[2][^1], StringComparison.Ordinal);
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(3, state.Spent.ModelCalls);
        Assert.Null(state.Side);
    }

    [Fact]
    public async Task Run_ItsSideCallCannotBeMade_ReadsThatAndGoesOn()
    {
        var lab = new Lab(
            new FunctionModel((messages, _) => IsBeside(messages)
                ? throw new ModelException(ModelFailure.InvalidRequest, "no such model") { NotBilled = true }
                : messages.Any(m => m.Role == ChatRole.Assistant) ? Says("done") : Calls_(("look", new { }))),
            Agent());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal("The topic could not be found out.", Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<ContextAdded>()).Text);
    }

    [Fact]
    public async Task Run_ItsModelStreams_ObserversHearTheAnswerAndNoSideCall()
    {
        AgentDefinition agent = new AgentBuilder("tester").Instruct("You test.").UseModel(Harness.Model with { Stream = true })
            .AddTools(Harness.Tool("look", _ => "seven")).AddSideCalls(new TopicCall()).Build();
        var listener = new Listener();
        var lab = new Lab(Model([]), agent) { Observers = [listener] };
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<ModelStarted>(), e => e.Purpose == "topic");
        Assert.Equal(["done"], listener.Heard);
    }

    [Fact]
    public async Task Replay_OfARunWithASideCall_ComesOutAsRecorded()
    {
        var lab = new Lab(Model([]), Agent());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        ReplayReport report = await lab.Client().ReplayAsync(run, new ReplayRequest(), Token);

        Assert.True(report.Divergence is null, $"{report.Divergence}");
    }

    [Fact]
    public void Build_ASideCallNamedAsTheValidatorsOwn_IsRefused() =>
        Assert.Contains("judge", Assert.Throws<ArgumentException>(() => Harness.Agent().AddSideCalls(new Named("judge")).Build()).Message, StringComparison.Ordinal);

    private static AgentDefinition Agent() => Harness.Agent(Harness.Tool("look", _ => "seven")).AddSideCalls(new TopicCall()).Build();

    private static bool IsBeside(IReadOnlyList<ChatMessage> messages) => messages[^1].Text.StartsWith("In one word", StringComparison.Ordinal);

    private static FunctionModel Model(List<string[]> requests) => new((messages, _) =>
    {
        requests.Add([.. messages.Select(m => m.Text)]);
        if (IsBeside(messages))
            return Says("tea");
        return messages.Any(m => m.Role == ChatRole.Assistant) ? Says("done") : Calls_(("look", new { }));
    });

    private sealed class Listener : IRunObserver
    {
        public List<string> Heard { get; } = [];

        public void Delta(RunId run, int turn, int attempt, string text) => Heard.Add(text);
    }

    private sealed class Named(string purpose) : SideCall
    {
        public override string Purpose => purpose;

        public override ModelRole RoleIn(AgentDefinition agent) => ModelRole.Executor;

        public override IReadOnlyList<ChatMessage> Messages(RunState state) => [];
    }
}
