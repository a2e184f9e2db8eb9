using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Makes child runs: their first events, which go into the transaction of the parent's <c>child.started</c>.</summary>
internal sealed class ChildRuns(AgentRegistry agents, TimeProvider time)
{
    /// <summary>The agent that a tool calls; null when it is not loaded here.</summary>
    public AgentDefinition? Find(ToolDefinition tool) => agents.Find(tool.AgentName!);

    /// <summary>The child that carries out a call of an agent, or takes the task over.</summary>
    public void Start(RunSession session, ToolCall call, ToolDefinition tool, JsonElement arguments)
    {
        AgentDefinition agent = Find(tool)!;
        RunState state = session.State;
        RunParent parent = new(Ancestors(state), call.Turn, call.Index);
        string task = arguments.GetProperty(tool.IsHandOff ? "brief" : "task").GetString()!;
        var child = RunId.New(time);
        // The intent comes first, so that the child's time lies within its parent's.
        session.Note(
            new ChildStarted { Child = child, Agent = agent.Name, AgentVersion = agent.Version, Turn = call.Turn, Index = call.Index,
                HandOff = tool.IsHandOff });
        session.Start(Make(child, state, agent, parent, task, agent.Ceilings), new Blob(agent.Hash, agent.Json));
    }

    /// <summary>The child that carries out a step of the plan.</summary>
    public void Start(RunSession session, PlanStep step)
    {
        RunState state = session.State;
        RunParent parent = new(Ancestors(state), 0, 0, step.Id) { Refused = state.FailedCalls.IsEmpty ? null : state.FailedCalls };
        var child = RunId.New(time);
        session.Note(
            new ChildStarted { Child = child, Agent = session.Agent.Name, AgentVersion = session.Agent.Version, Step = step.Id });
        session.Start(Make(child, state, session.Agent, parent, PlannedMode.InputOf(state, step), BudgetCeilings.None), null);
    }

    /// <summary>What a parent hears when this run has ended.</summary>
    public static Signal EndOf(RunState state) => new($"child:{state.Run}", state.Started.Parent!.Run, new ChildSignal(
        state.Run,
        state.Status,
        state.Outcome switch
        {
            RunCompleted completed => completed.Output,
            RunFailed failed => failed.Partial,
            RunCancelled cancelled => cancelled.Partial,
            _ => null,
        },
        state.Outcome switch
        {
            RunFailed failed => $"{failed.Code}: {failed.Message}",
            RunCancelled cancelled => $"cancelled by {cancelled.By}{(cancelled.Reason is null ? "" : $": {cancelled.Reason}")}",
            _ => null,
        },
        state.Spent + state.ChildrenSpent,
        state.FailedCalls.IsEmpty ? null : state.FailedCalls));

    private static RunId[] Ancestors(RunState state) => [state.Run, .. state.Started.Parent?.Ancestors ?? []];

    private RunStart Make(RunId id, RunState state, AgentDefinition agent, RunParent parent, string task, BudgetCeilings ceilings)
    {
        var started = new RunStarted
        {
            Agent = agent.Name,
            AgentVersion = agent.Version,
            DefinitionHash = agent.Hash,
            Tenant = state.Started.Tenant,
            User = state.Started.User,
            By = state.Started.By,
            Session = state.Started.Session,
            Input = [new TextPart(task)],
            Labels = state.Started.Labels,
            Trace = state.Started.Trace,
            Ceilings = ceilings,
            Parent = parent,
        };
        return new RunStart { Run = id, Entry = JournalEntry.Create(id, 1, JournalEntry.Origin, started, time.GetUtcNow()) };
    }
}
