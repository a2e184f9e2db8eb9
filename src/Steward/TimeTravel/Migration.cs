using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>Looks at a run and at another version of its agent: what would change, and what stands in the way.</summary>
internal sealed class Migration(IStewardStore store, AgentRegistry agents)
{
    public static StewardException Ended(RunId run) =>
        new($"Run {run} has ended, and an ended run never changes. To go on from it under another version, fork it.");

    public async Task<MigrationReport> LookAsync(RunId run, MigrationRequest request, CancellationToken cancellationToken)
    {
        RunState state = (await Recordings.ReadAsync(store, run, cancellationToken)).State;
        if (state.Status.IsTerminal())
            throw Ended(run);
        RunStarted started = state.Started;
        AgentDefinition? target = request.AgentVersion is { } version ? agents.Find(started.Agent, version) : agents.Find(started.Agent);
        AgentBlueprint? before = await BlueprintAsync(store, started.DefinitionHash, cancellationToken);
        return new MigrationReport
        {
            Run = run,
            Agent = started.Agent,
            FromVersion = started.AgentVersion,
            FromHash = started.DefinitionHash,
            ToVersion = target?.Version ?? request.AgentVersion ?? "",
            ToHash = target?.Hash,
            Changes = target is null || before is null ? [] : [.. BlueprintDiff.Of(before, target.Blueprint)],
            Blockers = target is null
                ? [$"'{started.Agent}'{(request.AgentVersion is null ? "" : $" version '{request.AgentVersion}'")} is not loaded here: load it, then migrate."]
                : [.. Calls(state, before, target), .. Steps(state, target)],
        };
    }

    /// <summary>A definition as it was, if the store still has it.</summary>
    public static async ValueTask<AgentBlueprint?> BlueprintAsync(IBlobStore store, string hash, CancellationToken cancellationToken) =>
        await store.GetAsync(hash, cancellationToken) is { } json
            ? JsonSerializer.Deserialize(json.Span, AgentJson.Default.AgentBlueprint)
            : null;

    /// <summary>Open calls that the target could not carry out. A name that
    /// was wrong before is none: the model is told so in any case.</summary>
    private static IEnumerable<string> Calls(RunState state, AgentBlueprint? before, AgentDefinition target)
    {
        foreach (ToolCall call in state.Calls.Where(c => c.Status != ToolCallStatus.Done))
        {
            string name = call.Part.Name;
            if (before is not null && before.Tools.All(t => t.Name != name))
                continue;
            if (target.FindTool(name) is not { } tool)
                yield return $"Call {call.Position} of '{name}' is open ({Word(call.Status)}), and version '{target.Version}' has no such tool. Let it end first, or keep the tool.";
            else if (call.Part.Malformed is null && !tool.Validator.IsValid(ToolGate.Arguments(call, tool)))
                yield return $"Call {call.Position} of '{name}' is open ({Word(call.Status)}), and its arguments are not valid for the schema of version '{target.Version}'. Let it end first, or keep the schema.";
        }
    }

    private static IEnumerable<string> Steps(RunState state, AgentDefinition target)
    {
        if (state.Planning.Plan is null)
            yield break;
        if (target.Planning is null)
            yield return $"The run goes by a plan, and version '{target.Version}' does not plan.";
        foreach (StepState step in state.Planning.Steps.Where(s => s.Status is StepStatus.Pending or StepStatus.Running))
        {
            foreach (string gone in step.Step.Tools.Where(t => target.FindTool(t) is null))
                yield return $"Step '{step.Step.Id}' of the plan means to use '{gone}', and version '{target.Version}' has no such tool. Let the plan end first, or keep the tool.";
        }
    }

    private static string Word(ToolCallStatus status) => status switch
    {
        ToolCallStatus.Requested => "not started",
        ToolCallStatus.Started => "being made",
        ToolCallStatus.Lost => "its result was lost",
        ToolCallStatus.Asked => "a person is asked",
        ToolCallStatus.Delegated => "an agent is at it",
        _ => "waiting",
    };
}
