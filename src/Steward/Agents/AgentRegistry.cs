using System.Collections.Concurrent;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>The agents that this process can run, by name and version.</summary>
public sealed class AgentRegistry
{
    private readonly ConcurrentDictionary<string, AgentDefinition> _newest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<(string Name, string Version), AgentDefinition> _agents = new();

    /// <summary>Creates a registry with agents; of one name, the last is what new runs get.</summary>
    public AgentRegistry(params IEnumerable<AgentDefinition> agents)
    {
        ArgumentNullException.ThrowIfNull(agents);
        foreach (AgentDefinition agent in agents)
            Add(agent);
    }

    /// <summary>The names of all agents.</summary>
    public IReadOnlyCollection<string> Names => [.. _newest.Keys];

    /// <summary>All versions of all agents.</summary>
    public IReadOnlyCollection<Storage.AgentVersion> Versions => [.. _agents.Keys.Select(k => new Storage.AgentVersion(k.Name, k.Version))];

    /// <summary>Adds an agent; new runs of its name get it, runs that began on another version stay there.</summary>
    /// <exception cref="ArgumentException">There is another definition of the same name and version: waiting runs could go on with
    /// either.</exception>
    public void Add(AgentDefinition agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        AgentDefinition known = _agents.AddOrUpdate(
            (agent.Name, agent.Version), agent, (_, known) => known.Hash == agent.Hash ? agent : known);
        if (known.Hash != agent.Hash)
            throw new ArgumentException(
                $"There are two different definitions of the agent '{agent.Name}' in version '{agent.Version}'. Give one of them another version, or another name.");
        _newest[agent.Name] = agent;
    }

    /// <summary>Checks that every agent that is called as a tool is here.</summary>
    /// <exception cref="InvalidOperationException">One is not; the message names caller, tool and agent.</exception>
    internal void CheckCalls()
    {
        foreach (AgentDefinition agent in _agents.Values)
        {
            if (agent.Tools.FirstOrDefault(t => t.AgentName is { } called && Find(called) is null) is { } tool)
                throw new InvalidOperationException(
                    $"The agent '{agent.Name}' calls the agent '{tool.AgentName}' with its tool '{tool.Name}', and no agent of that name is registered. Add it with AddAgent, or take the tool out. {NearestNames.Hint(tool.AgentName!, [.. Names.Order(StringComparer.Ordinal)])}");
        }
    }

    /// <summary>The newest version of an agent, or null.</summary>
    public AgentDefinition? Find(string name) => _newest.GetValueOrDefault(name);

    /// <summary>One version of an agent, or null.</summary>
    public AgentDefinition? Find(string name, string version) => _agents.GetValueOrDefault((name, version));
}
