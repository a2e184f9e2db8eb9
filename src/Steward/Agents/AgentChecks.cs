using Steward.Journal;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>What must hold of an agent before it is one: each mistake is an error that names the value and the remedy.</summary>
internal static class AgentChecks
{
    /// <exception cref="ArgumentException">Something is missing or contradicts itself.</exception>
    public static void Check(AgentBuilder agent)
    {
        if (!ToolDefinition.IsName(agent.Name))
            throw new ArgumentException($"The agent's name '{agent.Name}' is not usable: 1 to 64 letters, digits, '-' or '_'.");
        if (string.IsNullOrWhiteSpace(agent.Version))
            throw new ArgumentException($"The agent '{agent.Name}' has no version.");
        CheckModels(agent);
        CheckTools(agent);
        agent.Limits.Check();
        agent.Planning?.Check();
        agent.Ceilings.Check();
        agent.SessionCeilings?.Check();
        CheckSeams(agent);
        ApprovalChecks.Check(agent);
    }

    private static void CheckModels(AgentBuilder agent)
    {
        if (!agent.Routes.ContainsKey(ModelRole.Executor))
            throw new ArgumentException($"The agent '{agent.Name}' has no model: add one with UseModel.");
        foreach ((ModelRole role, ModelRoute route) in agent.Routes)
        {
            if (route.Targets.Count == 0)
                throw new ArgumentException($"The agent '{agent.Name}' has an empty route for the role {role}.");
            foreach (ModelTarget target in route.Targets)
            {
                if (string.IsNullOrWhiteSpace(target.Provider) || string.IsNullOrWhiteSpace(target.Model))
                    throw new ArgumentException(
                        $"The agent '{agent.Name}' has the model '{target.Provider}/{target.Model}' for the role {role}; name both, the provider and its model.");
                target.Check();
            }
        }
    }

    private static void CheckTools(AgentBuilder agent)
    {
        if (agent.Tools.GroupBy(t => t.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"The agent '{agent.Name}' has two tools named '{twice.Key}'.");
        foreach (ToolDefinition tool in agent.Tools)
        {
            if (ToolDefinition.ReservedFault(tool.Name) is { } reserved)
                throw new ArgumentException(reserved);
            if (string.IsNullOrWhiteSpace(tool.Description))
                throw new ArgumentException(
                    $"The tool '{tool.Name}' has no description. Say what it does and when to use it: the model chooses by it.");
            tool.Check();
        }
    }

    private static void CheckSeams(AgentBuilder agent)
    {
        if (agent.Validators.GroupBy(v => v.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new ArgumentException($"The agent '{agent.Name}' has two validators named '{same.Key}'.");
        CheckNames(agent, "context source", agent.ContextSources.Select(s => s.Name));
        CheckNames(agent, "tool source", agent.ToolSources.Select(s => s.Name));
        CheckNames(agent, "side call", agent.SideCalls.Select(c => c.Purpose));
        if (agent.SideCalls.Any(c => c.Purpose == SideCall.Judge))
            throw new ArgumentException(
                $"The agent '{agent.Name}' has a side call named '{SideCall.Judge}'; that name is the validators'. Choose another.");
    }

    private static void CheckNames(AgentBuilder agent, string kind, IEnumerable<string> names)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!ToolDefinition.IsName(name))
                throw new ArgumentException(
                    $"The agent '{agent.Name}' has a {kind} named '{name}'; a name is 1 to 64 letters, digits, '-' or '_'.");
            if (!seen.Add(name))
                throw new ArgumentException($"The agent '{agent.Name}' has two of the kind {kind} named '{name}'.");
        }
    }
}
