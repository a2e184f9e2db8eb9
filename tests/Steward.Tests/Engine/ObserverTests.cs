using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tests.Support;
using static Steward.Tests.Support.FunctionModel;

namespace Steward.Tests.Engine;

/// <summary>Observers hear of runs and never harm them. The model is scripted.</summary>
public sealed class ObserverTests
{
    [Fact]
    public async Task Observer_ThrowsInEveryMethod_RunCompletesOthersHearAndOneLineIsLogged()
    {
        var logger = new Lines();
        var thrower = new Thrower();
        var listener = new Listener();
        AgentDefinition agent = new AgentBuilder("tester").Instruct("You test.").UseModel(Harness.Model with { Stream = true }).Build();
        var lab = new Lab(Script(Says("done", input: 1_500, output: 200)), agent) { Observers = [new IsolatedObservers([thrower, new Thrower(), listener], logger)] };
        RunId run = await lab.StartAsync(new RunRequest("go") { Ceilings = new BudgetCeilings { Tokens = 2_000 } });

        await lab.WorkAllAsync();

        Assert.Equal(RunStatus.Completed, (await lab.StateAsync(run)).Status);
        Assert.True(thrower is { Commits: > 1, Deltas: 1, Alerts: 1 }, "It hears on after its first failure.");
        Assert.Equal((thrower.Commits, 1, 1), (listener.Commits, listener.Deltas, listener.Alerts));
        Assert.Contains(nameof(Thrower), Assert.Single(logger.Errors), StringComparison.Ordinal);
    }

    private class Listener : IRunObserver
    {
        public int Commits { get; private set; }

        public int Deltas { get; private set; }

        public int Alerts { get; private set; }

        public virtual void Committed(RunState state, IReadOnlyList<JournalEntry> entries) => Commits++;

        public virtual void Delta(RunId run, int turn, int attempt, string text) => Deltas++;

        public virtual void Alerted(RunState state, BudgetAlert alert) => Alerts++;
    }

    private sealed class Thrower : Listener
    {
        public override void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
        {
            base.Committed(state, entries);
            throw new InvalidOperationException("It cannot take commits.");
        }

        public override void Delta(RunId run, int turn, int attempt, string text)
        {
            base.Delta(run, turn, attempt, text);
            throw new OperationCanceledException("It cannot take text.");
        }

        public override void Alerted(RunState state, BudgetAlert alert)
        {
            base.Alerted(state, alert);
            throw new StewardException("It cannot take alerts.");
        }
    }

    private sealed class Lines : ILogger
    {
        public List<string> Errors { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (logLevel >= LogLevel.Error)
                Errors.Add(formatter(state, exception));
        }
    }
}
