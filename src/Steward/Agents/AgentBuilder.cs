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
        AgentChecks.Check(this);
        return new AgentDefinition(this);
    }
}
