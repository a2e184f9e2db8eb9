using System.Collections.Concurrent;
using Steward.Storage;

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
    public void Add(AgentDefinition agent)
    {
        ArgumentNullException.ThrowIfNull(agent);
        _agents[(agent.Name, agent.Version)] = agent;
        _newest[agent.Name] = agent;
    }

    /// <summary>The newest version of an agent, or null.</summary>
    public AgentDefinition? Find(string name) => _newest.GetValueOrDefault(name);

    /// <summary>One version of an agent, or null.</summary>
    public AgentDefinition? Find(string name, string version) => _agents.GetValueOrDefault((name, version));
}
