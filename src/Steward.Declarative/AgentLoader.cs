using Steward.Agents;
using Steward.Declarative.Sections;
using Steward.Declarative.Stores;
using Steward.Declarative.Yaml;
using Steward.Journal;
using Steward.Tools;

namespace Steward.Declarative;

/// <summary>Reads an agent from its folder or its <c>agent.yaml</c>; <c>docs/agent-yaml.md</c> is the reference.</summary>
internal static class AgentLoader
{
    private static readonly string[] s_names = ["agent.yaml", "agent.yml"];
    private static readonly string s_store = Path.Combine(".steward", "runs.db");

    /// <summary>Reads the agent.</summary>
    /// <param name="path">A folder or a file.</param>
    /// <param name="options">What it may depend on from outside.</param>
    /// <exception cref="AgentFileException">Something is wrong; the message says where and what to do.</exception>
    public static AgentFile Load(string path, AgentFileOptions options)
    {
        YamlMap root = YamlFile.Read(Find(path)).Map("an agent", AgentKeys.Agent);
        var scope = new AgentScope(root.Self.File.Folder, options);
        YamlValue name = root.Need("name", "Name the agent: letters, digits, '-' and '_'.");
        if (!ToolDefinition.IsName(name.Text()))
            throw name.Error(
                $"'{name.Text()}' cannot be an agent's name. Write 1 to {ToolDefinition.MaxNameLength} letters, digits, '-' or '_'.");
        ModelSection models = ModelSection.Read(root, scope);
        AgentBuilder builder = new AgentBuilder(name.Text(), root.Find("version")?.Label() ?? "1").Instruct(Instructions(root, scope));
        if (root.Find("description") is { } description)
            builder.Describe(description.Text());
        foreach ((ModelRole role, ModelRoute route) in models.Routes)
            builder.UseModel(role, route.Targets);
        (BudgetCeilings run, BudgetCeilings? session) = LimitSection.Budget(root.Find("budget"));
        builder.WithBudget(run, session).WithLimits(LimitSection.Limits(root.Find("limits")));
        StoreAddress database = root.Find("store") is { } store
            ? scope.Store(store)
            : StoreAddress.OfFile(Path.Combine(scope.Folder, s_store));
        string? example = root.Find("example")?.NonEmpty("the example");

        // Last, because it may make the file of a database: nothing is written for a file that is wrong elsewhere.
        scope = scope with { Databases = DatabaseSection.Read(root.Find("databases"), scope) };
        List<ToolDefinition> tools = ToolSection.Read(root.Find("tools"), scope);
        BuiltInSection.Read(root.Find("built_ins"), tools);
        IReadOnlyList<AgentFile> others = SubAgentSection.Read(root.Find("agents"), tools, models, scope);
        if (others.SelectMany(o => o.All).Any(o => o.Agent.Name == name.Text()))
            throw root.Find("agents")!.Value.Error(
                $"One of the other agents is called '{name.Text()}' as this one is, and a name is all that a call goes by. Give one of them another name.");
        builder.AddApprovals(ApprovalSection.Read(root.Find("approvals"), tools));
        if (PlanningSection.Read(root.Find("planning")) is { } planning)
            builder.UsePlanning(planning);
        builder.AddTools(tools).AddValidators(ValidatorSection.Read(root.Find("validators"), tools, scope));
        return new AgentFile
        {
            Folder = scope.Folder,
            Agent = Build(builder, name),
            Providers = models.Clients,
            ProviderEntries = models.Entries,
            Others = others,
            Prices = models.Prices,
            Store = database,
            ModelDescription = models.ModelDescription,
            Example = example,
        };
    }

    /// <summary>The database that the file names; null when it names none.</summary>
    public static StoreAddress? StoreOf(string path, AgentFileOptions options)
    {
        YamlMap root = YamlFile.Read(Find(path)).Map("an agent", AgentKeys.Agent);
        return root.Find("store") is { } store ? new AgentScope(root.Self.File.Folder, options).Store(store) : null;
    }

    /// <summary>The agent's name; null when the file cannot be read.</summary>
    public static string? NameOf(string path)
    {
        try
        {
            return YamlFile.Read(Find(path)).Map("an agent", AgentKeys.Agent).Find("name")?.Text();
        }
        catch (AgentFileException)
        {
            return null;
        }
    }

    private static AgentDefinition Build(AgentBuilder builder, YamlValue at)
    {
        try
        {
            return builder.Build();
        }
        catch (ArgumentException e)
        {
            throw at.Error(ToolSection.Clean(e));
        }
    }

    private static string Find(string path)
    {
        if (File.Exists(path))
            return path;
        if (!Directory.Exists(path))
            throw new AgentFileException(path, 1, 1, "There is no such file or folder. Give the folder of an agent, or its agent.yaml.");
        return s_names.Select(n => Path.Combine(path, n)).FirstOrDefault(File.Exists)
            ?? throw new AgentFileException(
                Path.Combine(path, s_names[0]),
                1,
                1,
                "The folder has no agent.yaml. Write one, or give another folder.");
    }

    private static string Instructions(YamlMap root, AgentScope scope)
    {
        YamlValue? text = root.Find("instructions");
        YamlValue? file = root.Find("instructions_file");
        if (text is not null && file is not null)
            throw file.Value.Error("There are 'instructions' and an 'instructions_file'. Keep one.");
        return text?.Text() ?? (file is { } named ? scope.ReadText(named) : "");
    }
}
