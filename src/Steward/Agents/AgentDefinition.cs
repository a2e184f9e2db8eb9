using System.Collections.Frozen;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.State;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>An agent: what it is told, which models and tools it has, what
/// it may spend, and what proves that it succeeded. Immutable.</summary>
public sealed class AgentDefinition
{
    private readonly FrozenDictionary<string, ToolDefinition> _tools;

    internal AgentDefinition(AgentBuilder builder)
    {
        Name = builder.Name;
        Version = builder.Version;
        Description = builder.Description;
        Instructions = builder.Instructions;
        Routes = builder.Routes.ToFrozenDictionary();
        Tools = builder.Tools.Count == 0 ? [] : [.. builder.Tools, ResultReader.Tool];
        Validators = [.. builder.Validators];
        Ceilings = builder.Ceilings;
        SessionCeilings = builder.SessionCeilings;
        Limits = builder.Limits;
        Approvals = [.. builder.Approvals];
        Planning = builder.Planning;
        ContextSources = [.. builder.ContextSources];
        ToolSources = [.. builder.ToolSources];
        SideCalls = [.. builder.SideCalls];
        _tools = Tools.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);
        Blueprint = AgentBlueprint.Of(this);
        Json = JsonSerializer.SerializeToUtf8Bytes(Blueprint, AgentJson.Default.AgentBlueprint);
        Hash = Convert.ToHexStringLower(SHA256.HashData(Json.Span));
    }

    /// <summary>The same agent, with tools that its sources offered to a run. Its definition and hash stay what they are.</summary>
    private AgentDefinition(AgentDefinition agent, IReadOnlyList<ToolDefinition> offered)
    {
        Name = agent.Name;
        Version = agent.Version;
        Description = agent.Description;
        Instructions = agent.Instructions;
        Routes = agent.Routes;
        Tools = [.. agent.Tools.Where(t => t != ResultReader.Tool), .. offered, ResultReader.Tool];
        Validators = agent.Validators;
        Ceilings = agent.Ceilings;
        SessionCeilings = agent.SessionCeilings;
        Limits = agent.Limits;
        Approvals = agent.Approvals;
        Planning = agent.Planning;
        ContextSources = agent.ContextSources;
        ToolSources = agent.ToolSources;
        SideCalls = agent.SideCalls;
        _tools = Tools.ToFrozenDictionary(t => t.Name, StringComparer.Ordinal);
        Blueprint = agent.Blueprint;
        Json = agent.Json;
        Hash = agent.Hash;
    }

    /// <summary>Its name: letters, digits, <c>-</c> and <c>_</c>.</summary>
    public string Name { get; }

    /// <summary>Its version; a run stays on the version that it started with.</summary>
    public string Version { get; }

    /// <summary>What it is for, for people and for agents that call it.</summary>
    public string? Description { get; }

    /// <summary>The system prompt.</summary>
    public string Instructions { get; }

    /// <summary>The models of each role. <see cref="ModelRole.Executor"/> is always there and serves for roles that are not.</summary>
    public IReadOnlyDictionary<ModelRole, ModelRoute> Routes { get; }

    /// <summary>Its tools; where there are any, <c>read_result</c> is the last.</summary>
    public IReadOnlyList<ToolDefinition> Tools { get; }

    /// <summary>What proves an outcome, cheap first.</summary>
    public IReadOnlyList<IValidator> Validators { get; }

    /// <summary>Ceilings of each run.</summary>
    public BudgetCeilings Ceilings { get; }

    /// <summary>Ceilings of each session.</summary>
    public BudgetCeilings? SessionCeilings { get; }

    /// <summary>How far a run may go.</summary>
    public AgentLimits Limits { get; }

    /// <summary>Which calls need people's approval, in the order in which they are asked.</summary>
    public IReadOnlyList<ApprovalPolicy> Approvals { get; }

    /// <summary>How it plans; null when it does not.</summary>
    public PlanningOptions? Planning { get; }

    /// <summary>What is asked for context when a run opens and before each turn.</summary>
    public IReadOnlyList<IContextSource> ContextSources { get; }

    /// <summary>What offers tools at run time.</summary>
    public IReadOnlyList<IToolSource> ToolSources { get; }

    /// <summary>The side calls that are made when a run's state asks for them; those of validators are theirs.</summary>
    public IReadOnlyList<SideCall> SideCalls { get; }

    /// <summary>The definition as data: what the hash is over and what is kept as a blob.</summary>
    public AgentBlueprint Blueprint { get; }

    /// <summary>The blueprint as JSON.</summary>
    public ReadOnlyMemory<byte> Json { get; }

    /// <summary>SHA-256 of <see cref="Json"/>, in hexadecimal digits.</summary>
    public string Hash { get; }

    /// <summary>The tool of that name, if there is one.</summary>
    public ToolDefinition? FindTool(string name) => _tools.GetValueOrDefault(name);

    /// <summary>The agent's own side call of a purpose, if there is one.</summary>
    internal SideCall? FindSideCall(string purpose) => SideCalls.FirstOrDefault(c => c.Purpose == purpose);

    /// <summary>The agent as a run sees it to which its sources offered these tools.</summary>
    internal AgentDefinition With(IReadOnlyList<ToolDefinition> offered) => offered.Count == 0 ? this : new(this, offered);

    /// <summary>What proves the outcome of a run: the agent's validators; for a plan's step,
    /// a judge of its success criterion where the agent has a validator's model.</summary>
    internal IReadOnlyList<IValidator> ValidatorsOf(RunState state)
    {
        if (state.Started.Parent?.Step is null)
            return Validators;
        return Routes.ContainsKey(ModelRole.Validator)
            ? [new JudgeValidator("success_criterion", "The step's own criterion, as the task states it after 'It is done when'.")]
            : [];
    }

    /// <summary>The models of a role, or the executor's where it has none of its own.</summary>
    public ModelRoute RouteOf(ModelRole role) => Routes.TryGetValue(role, out ModelRoute? route) ? route : Routes[ModelRole.Executor];
}

/// <summary>An agent's definition as data, without its code.</summary>
public sealed record AgentBlueprint
{
    /// <summary>The agent's name.</summary>
    public required string Name { get; init; }

    /// <summary>The agent's version.</summary>
    public required string Version { get; init; }

    /// <summary>What it is for.</summary>
    public string? Description { get; init; }

    /// <summary>The system prompt.</summary>
    public required string Instructions { get; init; }

    /// <summary>The models by role.</summary>
    public required IReadOnlyDictionary<string, ModelRoute> Routes { get; init; }

    /// <summary>The tools as the model is shown them, and how they are gated.</summary>
    public required IReadOnlyList<ToolBlueprint> Tools { get; init; }

    /// <summary>The validators' names and what they check.</summary>
    public required IReadOnlyList<string> Validators { get; init; }

    /// <summary>Ceilings of a run.</summary>
    public required BudgetCeilings Ceilings { get; init; }

    /// <summary>Limits of a run.</summary>
    public required AgentLimits Limits { get; init; }

    /// <summary>The approval policies; null when there are none.</summary>
    public IReadOnlyList<ApprovalPolicy>? Approvals { get; init; }

    /// <summary>How it plans; null when it does not.</summary>
    public PlanningOptions? Planning { get; init; }

    /// <summary>The names of its context sources; null when there are none.</summary>
    public IReadOnlyList<string>? ContextSources { get; init; }

    /// <summary>The names and fingerprints of its tool sources; null when there are none.</summary>
    public IReadOnlyList<string>? ToolSources { get; init; }

    /// <summary>The purposes of its side calls; null when there are none.</summary>
    public IReadOnlyList<string>? SideCalls { get; init; }

    internal static AgentBlueprint Of(AgentDefinition agent) => new()
    {
        Name = agent.Name,
        Version = agent.Version,
        Description = agent.Description,
        Instructions = agent.Instructions,
        Routes = new SortedDictionary<string, ModelRoute>(
            agent.Routes.ToDictionary(r => r.Key.ToString(), r => r.Value), StringComparer.Ordinal),
        Tools = [.. agent.Tools.Select(ToolBlueprint.Of)],
        Validators = [.. agent.Validators.Select(v => $"{v.Name}: {v.Description}")],
        Ceilings = agent.Ceilings,
        Limits = agent.Limits,
        Approvals = agent.Approvals.Count == 0 ? null : agent.Approvals,
        Planning = agent.Planning,
        ContextSources = agent.ContextSources.Count == 0 ? null : [.. agent.ContextSources.Select(s => s.Name)],
        ToolSources = agent.ToolSources.Count == 0 ? null : [.. agent.ToolSources.Select(s => $"{s.Name}: {s.Fingerprint}")],
        SideCalls = agent.SideCalls.Count == 0 ? null : [.. agent.SideCalls.Select(c => c.Purpose)],
    };
}

/// <summary>A tool as data.</summary>
public sealed record ToolBlueprint(
    string Name,
    string Description,
    JsonElement Schema,
    ToolEffect Effect,
    bool Destructive,
    bool Approval,
    decimal CostUsd,
    TimeSpan Timeout)
{
    /// <summary>True when its unsafe calls may overlap; null otherwise.</summary>
    public bool? Overlaps { get; init; }

    internal static ToolBlueprint Of(ToolDefinition tool) =>
        new(tool.Name, tool.Description, tool.Schema, tool.Effect, tool.Destructive, tool.RequiresApproval, tool.CostUsd, tool.Timeout)
        {
            Overlaps = tool.Overlaps ? true : null,
        };
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(AgentBlueprint))]
internal sealed partial class AgentJson : JsonSerializerContext;
