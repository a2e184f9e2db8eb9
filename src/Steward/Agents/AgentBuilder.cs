using Steward.Journal;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>Puts an agent together; <see cref="Build"/> checks it.</summary>
public sealed class AgentBuilder
{
    /// <summary>Starts an agent.</summary>
    /// <param name="name">Letters, digits, <c>-</c> and <c>_</c>; 64 at most.</param>
    /// <param name="version">The version; runs stay on the one that they started with.</param>
    public AgentBuilder(string name, string version = "1")
    {
        Name = name;
        Version = version;
    }

    internal string Name { get; }

    internal string Version { get; }

    internal string? Description { get; private set; }

    internal string Instructions { get; private set; } = "";

    internal Dictionary<ModelRole, ModelRoute> Routes { get; } = [];

    internal List<ToolDefinition> Tools { get; } = [];

    internal List<IValidator> Validators { get; } = [];

    internal BudgetCeilings Ceilings { get; private set; } = BudgetCeilings.None;

    internal BudgetCeilings? SessionCeilings { get; private set; }

    internal AgentLimits Limits { get; private set; } = new();

    internal List<ApprovalPolicy> Approvals { get; } = [];

    internal PlanningOptions? Planning { get; private set; }

    internal List<IContextSource> ContextSources { get; } = [];

    internal List<IToolSource> ToolSources { get; } = [];

    internal List<SideCall> SideCalls { get; } = [];

    /// <summary>Says what the agent is for.</summary>
    public AgentBuilder Describe(string description)
    {
        Description = description;
        return this;
    }

    /// <summary>Sets the system prompt.</summary>
    public AgentBuilder Instruct(string instructions)
    {
        Instructions = instructions;
        return this;
    }

    /// <summary>Sets the models of a role, in the order in which they are tried.</summary>
    public AgentBuilder UseModel(ModelRole role, params IReadOnlyList<ModelTarget> targets)
    {
        Routes[role] = new ModelRoute(targets);
        return this;
    }

    /// <summary>Sets the executor's models, in the order in which they are tried.</summary>
    public AgentBuilder UseModel(params IReadOnlyList<ModelTarget> targets) => UseModel(ModelRole.Executor, targets);

    /// <summary>Adds tools.</summary>
    public AgentBuilder AddTools(params IReadOnlyList<ToolDefinition> tools)
    {
        ArgumentNullException.ThrowIfNull(tools);
        Tools.AddRange(tools);
        return this;
    }

    /// <summary>Adds validators; they run in the order in which they were added.</summary>
    public AgentBuilder AddValidators(params IReadOnlyList<IValidator> validators)
    {
        ArgumentNullException.ThrowIfNull(validators);
        Validators.AddRange(validators);
        return this;
    }

    /// <summary>Sets the ceilings of each run, and of each session if wanted.</summary>
    public AgentBuilder WithBudget(BudgetCeilings run, BudgetCeilings? session = null)
    {
        Ceilings = run;
        SessionCeilings = session;
        return this;
    }

    /// <summary>Sets how far a run may go.</summary>
    public AgentBuilder WithLimits(AgentLimits limits)
    {
        Limits = limits;
        return this;
    }

    /// <summary>Adds approval policies; the first that matches a call rules it. Without any, tools that declare it need approval.</summary>
    public AgentBuilder AddApprovals(params IReadOnlyList<ApprovalPolicy> policies)
    {
        ArgumentNullException.ThrowIfNull(policies);
        Approvals.AddRange(policies);
        return this;
    }

    /// <summary>Makes the agent plan before it acts.</summary>
    public AgentBuilder UsePlanning(PlanningOptions? options = null)
    {
        Planning = options ?? new PlanningOptions();
        return this;
    }

    /// <summary>Adds sources of context; they are asked in the order in which they were added.</summary>
    public AgentBuilder AddContextSources(params IReadOnlyList<IContextSource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ContextSources.AddRange(sources);
        return this;
    }

    /// <summary>Adds sources of tools. A tool of the agent's own, or of an earlier source, hides one of the same name.</summary>
    public AgentBuilder AddToolSources(params IReadOnlyList<IToolSource> sources)
    {
        ArgumentNullException.ThrowIfNull(sources);
        ToolSources.AddRange(sources);
        return this;
    }

    /// <summary>Adds side calls; the first that is due is made before the next turn.</summary>
    public AgentBuilder AddSideCalls(params IReadOnlyList<SideCall> calls)
    {
        ArgumentNullException.ThrowIfNull(calls);
        SideCalls.AddRange(calls);
        return this;
    }

    /// <summary>Checks and builds the agent.</summary>
    /// <exception cref="ArgumentException">Something is missing or contradicts itself; the message names it.</exception>
    public AgentDefinition Build()
    {
        if (!ToolDefinition.IsName(Name))
            throw new ArgumentException($"The agent's name '{Name}' is not usable: 1 to 64 letters, digits, '-' or '_'.");
        if (string.IsNullOrWhiteSpace(Version))
            throw new ArgumentException($"The agent '{Name}' has no version.");
        if (!Routes.ContainsKey(ModelRole.Executor))
            throw new ArgumentException($"The agent '{Name}' has no model: add one with UseModel.");
        if (Routes.FirstOrDefault(r => r.Value.Targets.Count == 0) is { Value: not null } empty)
            throw new ArgumentException($"The agent '{Name}' has an empty route for the role {empty.Key}.");
        if (Tools.GroupBy(t => t.Name, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } twice)
            throw new ArgumentException($"The agent '{Name}' has two tools named '{twice.Key}'.");
        if (Tools.FirstOrDefault(t => t.Name.Equals(ResultReader.Tool.Name, StringComparison.OrdinalIgnoreCase)) is { } taken)
            throw new ArgumentException(
                $"The tool '{taken.Name}' of agent '{Name}' has the name of the runtime's own tool, which reads long results. Give it another name.");
        CheckRanges();
        if (Validators.GroupBy(v => v.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } same)
            throw new ArgumentException($"The agent '{Name}' has two validators named '{same.Key}'.");
        CheckNames("context source", ContextSources.Select(s => s.Name));
        CheckNames("tool source", ToolSources.Select(s => s.Name));
        CheckNames("side call", SideCalls.Select(c => c.Purpose));
        if (SideCalls.Any(c => c.Purpose == SideCall.Judge))
            throw new ArgumentException(
                $"The agent '{Name}' has a side call named '{SideCall.Judge}'; that name is the validators'. Choose another.");
        if (Approvals.FirstOrDefault(p => p.Approvers < 1) is { } nobody)
            throw new ArgumentException(
                $"The approval policy '{nobody.Name}' of agent '{Name}' needs {nobody.Approvers} approvers; at least 1.");
        if (Approvals.FirstOrDefault(p => string.IsNullOrWhiteSpace(p.Name)) is not null)
            throw new ArgumentException($"An approval policy of agent '{Name}' has no name.");
        if (Approvals.GroupBy(p => p.Name, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } again)
            throw new ArgumentException($"The agent '{Name}' has two approval policies named '{again.Key}'.");
        if (Approvals.FirstOrDefault(p => p is { Assignee: not null, Approvers: > 1 }) is { } alone)
            throw new ArgumentException(
                $"The approval policy '{alone.Name}' of agent '{Name}' needs {alone.Approvers} different people and lets only '{alone.Assignee}' decide. Leave one of the two out.");
        if (Approvals.FirstOrDefault(p => p is { FourEyes: true, Default: Answer.Approve }) is { } nobodyElse)
            throw new ArgumentException(
                $"The approval policy '{nobodyElse.Name}' of agent '{Name}' asks for somebody else than the starter, and approves when nobody decides. Leave one of the two out.");
        if (Approvals.FirstOrDefault(p => p.ExpiresAfter <= TimeSpan.Zero) is { } late)
            throw new ArgumentException(
                $"The approval policy '{late.Name}' of agent '{Name}' expires after {late.ExpiresAfter}; it must be a time above 0.");
        if (Approvals.FirstOrDefault(p => p.Default is not (Answer.Approve or Answer.Deny or Answer.Stop)) is { } odd)
            throw new ArgumentException(
                $"The approval policy '{odd.Name}' of agent '{Name}' has the default '{odd.Default}'; approve, deny or stop.");
        return new AgentDefinition(this);
    }

    private void CheckRanges()
    {
        Limits.Check();
        Planning?.Check();
        Ceilings.Check();
        SessionCeilings?.Check();
        foreach (ModelTarget target in Routes.Values.SelectMany(r => r.Targets))
            target.Check();
    }

    private void CheckNames(string kind, IEnumerable<string> names)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string name in names)
        {
            if (!ToolDefinition.IsName(name))
                throw new ArgumentException(
                    $"The agent '{Name}' has a {kind} named '{name}'; a name is 1 to 64 letters, digits, '-' or '_'.");
            if (!seen.Add(name))
                throw new ArgumentException($"The agent '{Name}' has two of the kind {kind} named '{name}'.");
        }
    }
}
