using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using Steward.TimeTravel;
using Steward.Tools;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine.Seams;

public sealed class ToolSourceTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Run_WithAToolSource_CallsWhatWasOfferedAndJournalsTheOffer()
    {
        var source = new CatalogSource(CatalogSource.Tool("catalog__find"));
        var lab = new Lab(Model("catalog__find"), Agent(source));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        RunState state = await lab.StateAsync(run);
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(["catalog__find"], source.Calls);
        ToolsOffered offer = Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolsOffered>());
        Assert.Equal(["catalog__find"], offer.Tools);
        Assert.NotNull(await lab.Store.GetAsync(offer.Hash, Token));
    }

    [Fact]
    public async Task Run_TheServerRewordsADescriptionWhileItWaits_GoesOnWithWhatItBeganWith()
    {
        var before = new CatalogSource(CatalogSource.Tool("catalog__find", "Finds."), CatalogSource.Tool("catalog__pay") with { RequiresApproval = true });
        var lab = new Lab(Model("catalog__pay", "catalog__find"), Agent(before));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        QuestionInfo question = Assert.Single(await lab.Store.QuestionsAsync(new QuestionQuery { Run = run }, Token));

        var after = new CatalogSource(CatalogSource.Tool("catalog__find", "Finds, but in other words."));
        var later = new Lab(Model("catalog__pay", "catalog__find"), Agent(after), lab.Store, lab.Time);
        Assert.Equal(lab.Agent.Hash, later.Agent.Hash);
        await later.Handle(run).DecideAsync(new Decision { Id = "d", Run = run, Question = question.Id, Answer = Answer.Approve, By = "ana" }, Token);
        await later.WorkAllAsync();

        RunState state = await lab.StateAsync(run);
        Assert.Equal(RunStatus.Completed, state.Status);
        Assert.Equal(["catalog__pay", "catalog__find"], after.Calls);
        Assert.Equal(0, after.Asked);
    }

    [Fact]
    public async Task Run_TheArgumentsOfAnOfferedToolAreEdited_TheyAreCheckedAgainstWhatWasOffered()
    {
        JsonElement schema = JsonElement.Parse("""{"type":"object","properties":{"amount":{"type":"integer"}},"required":["amount"]}""");
        var source = new CatalogSource(new OfferedTool("catalog__pay", "Pays.", schema) { Effect = ToolEffect.ReadOnly, RequiresApproval = true });
        var lab = new Lab(new FunctionModel((m, _) => m.Any(x => x.Role == ChatRole.Assistant) ? Says("done") : Calls_(("catalog__pay", new { amount = 7 }))), Agent(source));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();
        QuestionInfo question = Assert.Single(await lab.Store.QuestionsAsync(new QuestionQuery { Run = run }, Token));
        Decision wrong = new() { Id = "d1", Run = run, Question = question.Id, Answer = Answer.Approve, By = "ana", Arguments = JsonElement.Parse("""{"amount":"much"}""") };

        StewardException refused = await Assert.ThrowsAsync<StewardException>(async () => await lab.Handle(run).DecideAsync(wrong, Token));
        await lab.Handle(run).DecideAsync(wrong with { Id = "d2", Arguments = JsonElement.Parse("""{"amount":5}""") }, Token);
        await lab.WorkAllAsync();

        Assert.Contains("catalog__pay", refused.Message, StringComparison.Ordinal);
        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.Equal(["catalog__pay"], source.Calls);
    }

    [Fact]
    public async Task Run_TheSourceSaysThatItHasOtherTools_OffersThemFromTheNextTurnOn()
    {
        var source = new CatalogSource(CatalogSource.Tool("catalog__find"));
        List<string[]> offered = [];
        var lab = new Lab(
            new FunctionModel((messages, options) =>
            {
                offered.Add([.. options.Tools!.Select(t => t.Name)]);
                source.Tools = [CatalogSource.Tool("catalog__search")];
                source.Revision = 1;
                return offered.Count switch { 1 => Calls_(("catalog__find", new { })), 2 => Calls_(("catalog__search", new { })), _ => Says("done") };
            }),
            Agent(source));
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(["catalog__find", "read_result"], offered[0]);
        Assert.Equal(["catalog__search", "read_result"], offered[1]);
        Assert.Equal(["catalog__find", "catalog__search"], source.Calls);
        Assert.Equal(2, (await lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolsOffered>().Count());
        Assert.True((await lab.Client().ReplayAsync(run, new ReplayRequest { Agent = Agent(new CatalogSource()) }, Token)).Divergence is null);
    }

    [Fact]
    public async Task Run_TheServerIsDownBeforeItsFirstOffer_WaitsAndGoesOnWhenItIsBack()
    {
        var source = new CatalogSource(CatalogSource.Tool("catalog__find")) { IsDown = true };
        var lab = new Lab(Model("catalog__find"), Agent(source));
        RunId run = await lab.StartAsync();
        Assert.Equal(RunExit.Parked, await lab.WorkAsync());
        Assert.Equal("tools_unavailable", Assert.Single(await lab.Store.FindAsync(new RunQuery { Run = run }, Token)).Reason);
        Assert.Null(await lab.WorkAsync());

        source.IsDown = false;
        lab.Time.Advance(TimeSpan.FromSeconds(31));
        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
    }

    [Fact]
    public async Task Run_AnOfferedToolHasATakenOrAnUnusableName_LeavesItOut()
    {
        var source = new CatalogSource(CatalogSource.Tool("look"), CatalogSource.Tool("no.dots"), CatalogSource.Tool("read_result"), CatalogSource.Tool("catalog__find"));
        var lab = new Lab(Script(Says("done")), Harness.Agent(Harness.Tool("look", _ => "mine")).AddToolSources(source).Build());
        RunId run = await lab.StartAsync();
        await lab.WorkAllAsync();

        Assert.Equal(["catalog__find"], Assert.Single((await lab.JournalAsync(run)).Select(e => e.Event).OfType<ToolsOffered>()).Tools);
    }

    private static AgentDefinition Agent(IToolSource source) => Harness.Agent().AddToolSources(source).Build();

    private static FunctionModel Model(params string[] calls) => new((messages, _) =>
        messages.Count(m => m.Role == ChatRole.Assistant) is var turn && turn < calls.Length ? Calls_((calls[turn], new { })) : Says("done"));
}
