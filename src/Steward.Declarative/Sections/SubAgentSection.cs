using Steward.Declarative.Yaml;
using Steward.Tools;

namespace Steward.Declarative.Sections;

/// <summary>Reads <c>agents</c>: other agents that are called, or take the task over; each from its own folder.</summary>
internal static class SubAgentSection
{
    /// <summary>Loads them, and adds what calls them to the tools of the file.</summary>
    public static IReadOnlyList<AgentFile> Read(YamlValue? value, List<ToolDefinition> tools, ModelSection models, AgentScope scope)
    {
        List<AgentFile> files = [];
        foreach (YamlValue declared in value?.List("'agents'") ?? [])
        {
            YamlMap map = declared.Map("an agent that is a tool", AgentKeys.SubAgent);
            YamlValue agent = map.Need("agent", "Write the folder of the other agent, from the folder of this file.");
            AgentFile file = Load(agent, scope);
            AgentFile? namesake = files.SelectMany(f => f.All).FirstOrDefault(
                f => file.All.Any(o => o.Agent.Name == f.Agent.Name && o.Folder != f.Folder));
            if (namesake is not null)
                throw agent.Error(
                    $"There are two agents '{namesake.Agent.Name}', and a name is all that a call goes by. Give one of them another name.");
            YamlValue at = map.Find("name") ?? agent;
            bool handOff = map.Flag("hand_off");
            string name = map.Find("name")?.Text() ?? (handOff ? $"hand_off_to_{file.Agent.Name}" : file.Agent.Name);
            if (!ToolDefinition.IsName(name))
                throw at.Error($"'{name}' cannot be a tool's name. Write 1 to {ToolDefinition.MaxNameLength} letters, digits, '-' or '_'.");
            if (ToolDefinition.ReservedFault(name) is { } reserved)
                throw at.Error(reserved);
            if (tools.Any(t => t.Name.Equals(name, StringComparison.OrdinalIgnoreCase)))
                throw at.Error($"There is a tool '{name}' already. Give this one another 'name'.");
            string description = map.Find("description")?.NonEmpty("the description") ?? file.Agent.Description
                ?? throw map.Self.Error($"Say what '{name}' does and when to use it, in a 'description': the model chooses by it.");
            CheckProviders(
                [(models.Entries, scope.Folder, "this file"), .. files.SelectMany(f => f.All).Select(f => (f.ProviderEntries, f.Folder, $"the agent '{f.Agent.Name}'"))],
                file,
                agent);
            tools.Add(
                handOff ? BuiltInTools.HandOffTo(file.Agent.Name, description, name) : BuiltInTools.Agent(file.Agent.Name, description,
                    name));
            files.Add(file);
        }

        return files;
    }

    private static AgentFile Load(YamlValue agent, AgentScope scope)
    {
        string path = scope.Resolve(agent);
        string folder = File.Exists(path) ? Path.GetDirectoryName(path)! : path;
        folder = Path.TrimEndingDirectorySeparator(folder);
        string[] loading = [.. scope.Options.Loading, Path.TrimEndingDirectorySeparator(Path.GetFullPath(scope.Folder))];
        if (loading.Contains(folder, StringComparer.Ordinal))
            throw agent.Error(
                $"The agents call each other in a circle: {string.Join(" → ", [.. loading.SkipWhile(f => f != folder), folder])}. Take one of the calls out.");
        if (!Directory.Exists(folder))
            throw agent.Error(
                $"There is no agent at {agent.Shown}: looked for '{path}'. Write its folder; paths start at the folder of this file.");
        return AgentLoader.Load(path, scope.Options with { Loading = loading });
    }

    private static void CheckProviders(
        IReadOnlyList<(IReadOnlyDictionary<string, ProviderEntry> Entries, string Folder, string Who)> known,
        AgentFile file,
        YamlValue at)
    {
        foreach (AgentFile other in file.All)
        {
            foreach ((IReadOnlyDictionary<string, ProviderEntry> entries, string folder, string who) in known)
            {
                if (ProviderEntry.Conflict(other, entries, folder, who) is { } conflict)
                    throw at.Error(conflict);
            }
        }
    }
}
