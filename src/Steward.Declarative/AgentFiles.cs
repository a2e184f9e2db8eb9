using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Declarative.Sections;

namespace Steward.Declarative;

/// <summary>The files of one host. Scripted models have a provider in common, and are told apart by their names.</summary>
internal sealed class AgentFiles
{
    private readonly List<AgentFile> _all = [];

    /// <summary>Adds a file and those that it calls.</summary>
    /// <returns>Those that were not there yet.</returns>
    /// <exception cref="InvalidOperationException">Two mean different things by one name.</exception>
    public IReadOnlyList<AgentFile> Add(AgentFile file)
    {
        foreach (AgentFile one in file.All)
        {
            if (_all.Find(f => f.Agent.Name == one.Agent.Name && f.Folder != one.Folder) is { } namesake)
                throw new InvalidOperationException(
                    $"There are two agents '{one.Agent.Name}', in '{namesake.Folder}' and '{one.Folder}'. Give one of them another name.");
            foreach (AgentFile other in _all)
            {
                if (ProviderEntry.Conflict(one, other.ProviderEntries, other.Folder, $"the agent '{other.Agent.Name}'") is { } conflict)
                    throw new InvalidOperationException(conflict);
            }
        }

        AgentFile[] added = [.. file.All.Where(f => _all.TrueForAll(known => known.Agent.Name != f.Agent.Name))];
        _all.AddRange(added);
        return added;
    }

    /// <summary>The client of a target, from the file whose routes name it.</summary>
    public IChatClient Create(ModelTarget target) =>
        _all.First(
            f => f.Agent.Routes.Values.Any(r => r.Targets.Any(t => t.Provider == target.Provider
                && t.Model == target.Model))).Providers[target.Provider](target);
}
