using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.State;

namespace Steward.Tests.Agents.Validators;

internal static class Validation
{
    private static readonly RunId s_run = RunId.Parse("0192f0c1d2e3747586978899aabbccdd");

    public static CompletedCall Call(string tool, string arguments, int turn = 1, bool isError = false, bool started = true) =>
        new(turn, 0, tool, JsonElement.Parse(arguments), "ok", isError, started);

    public static ValueTask<Finding> LookAsync(this IValidator validator, string answer = "", params IReadOnlyList<CompletedCall> calls)
    {
        AgentDefinition agent = new AgentBuilder("support").UseModel(new ModelTarget("any", "any")).Build();
        var started = new RunStarted { Agent = "support", AgentVersion = "1", DefinitionHash = agent.Hash, Tenant = "acme", User = "ann", Input = [] };
        RunState state = RunState.Empty(s_run).Apply(JournalEntry.Create(s_run, 1, JournalEntry.Origin, started, DateTimeOffset.UnixEpoch));
        return validator.ValidateAsync(new ValidationContext { Agent = agent, State = state, Answer = answer, Calls = calls }, TestContext.Current.CancellationToken);
    }
}
