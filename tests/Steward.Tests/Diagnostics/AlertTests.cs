using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Diagnostics;

/// <summary>Who hears that a ceiling is near. The models are scripted.</summary>
public sealed class AlertTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>A run that goes on after the commit which crossed 80 % has the alert in its journal.</summary>
    [Fact]
    public async Task Alert_OfACommitInTheMiddle_IsJournaledAndHeard()
    {
        (List<BudgetAlert> heard, List<JournalEntry> journal) = await RunAsync(
            new BudgetCeilings { ModelCalls = 5 },
            [.. Enumerable.Range(1, 4).Select(n => Calls_(("look", new { n }))), Says("done")]);
        BudgetAlerted noted = Assert.Single(journal.Select(e => e.Event).OfType<BudgetAlerted>());
        Assert.Equal((BudgetMetric.ModelCalls, 4m, 5m), (noted.Metric, noted.Used, noted.Ceiling));
        Assert.Equal(noted.Scope, Assert.Single(heard).Scope.Key);
    }

    /// <summary>Nothing follows the end of a run: an alert of the commit that ends it goes to observers alone (log, metric, webhook).</summary>
    [Fact]
    public async Task Alert_OfTheCommitThatEndsTheRun_IsHeardAndLeavesTheJournalAlone()
    {
        (List<BudgetAlert> heard, List<JournalEntry> journal) = await RunAsync(new BudgetCeilings { Tokens = 2_000 }, Says("done", input: 1_500, output: 200));
        Assert.Equal(BudgetMetric.Tokens, Assert.Single(heard).Metric);
        Assert.DoesNotContain(journal, e => e.Event is BudgetAlerted);
        Assert.IsType<RunCompleted>(journal[^1].Event);
        Invariants.Check(journal);
    }

    private static async Task<(List<BudgetAlert> Heard, List<JournalEntry> Journal)> RunAsync(BudgetCeilings ceilings, params Microsoft.Extensions.AI.ChatResponse[] turns)
    {
        var listener = new Listener();
        var lab = new Lab(Script(turns), Harness.Agent(Harness.Tool("look", _ => "seen")).Build()) { Observers = [listener] };
        RunId run = await lab.StartAsync(new RunRequest("go") { Ceilings = ceilings });
        await lab.WorkAllAsync();
        Token.ThrowIfCancellationRequested();
        return (listener.Heard, await lab.JournalAsync(run));
    }

    private sealed class Listener : IRunObserver
    {
        public List<BudgetAlert> Heard { get; } = [];

        public void Alerted(RunState state, BudgetAlert alert) => Heard.Add(alert);
    }
}
