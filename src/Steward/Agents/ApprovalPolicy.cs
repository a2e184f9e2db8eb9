using System.IO.Enumeration;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.JsonSchemas;
using Steward.Tools;

namespace Steward.Agents;

/// <summary>Says which calls need people's approval, whose, and how long they
/// have. The first policy of an agent that matches a call rules it.</summary>
public sealed record ApprovalPolicy
{
    private readonly JsonElement? _arguments;
    private readonly JsonSchema? _schema;

    /// <summary>Its name, for the journal and for people.</summary>
    public required string Name { get; init; }

    /// <summary>The tools that it is about, by name; <c>*</c> stands for any letters. Empty for all but those of the runtime
    /// itself that change nothing: <c>read_result</c>, <c>ask_user</c>, <c>wait_until</c>, <c>hand_off</c>.</summary>
    public IReadOnlyList<string> Tools { get; init; } = [];

    /// <summary>The effects that it is about; empty for all.</summary>
    public IReadOnlyList<ToolEffect> Effects { get; init; } = [];

    /// <summary>Only destructive tools, or only others; null for both.</summary>
    public bool? Destructive { get; init; }

    /// <summary>Only tools that may cost more than this, in US dollars; null for all.</summary>
    public decimal? CostAbove { get; init; }

    /// <summary>Only calls whose arguments are valid against this JSON Schema; null for all.</summary>
    /// <exception cref="ArgumentException">It is no valid schema.</exception>
    public JsonElement? Arguments
    {
        get => _arguments;
        init
        {
            _arguments = value;
            _schema = value is { } schema ? Compile(schema) : null;
        }
    }

    /// <summary>Whether approval is needed; false lets matching calls pass without.</summary>
    /// <value>True.</value>
    public bool Required { get; init; } = true;

    /// <summary>How many different people must approve.</summary>
    /// <value>1.</value>
    public int Approvers { get; init; } = 1;

    /// <summary>The roles that qualify an approver, who needs one of them; empty for anybody.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [];

    /// <summary>The one person who may decide; null for anybody with the roles.</summary>
    public string? Assignee { get; init; }

    /// <summary>Whether somebody else must approve than whoever started the run, and than the user on whose behalf it runs. Where neither
    /// is
    /// known, it takes two different people.</summary>
    /// <value>False.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool FourEyes { get; init; }

    /// <summary>How long people have; null for as long as they like.</summary>
    public TimeSpan? ExpiresAfter { get; init; }

    /// <summary>What happens when nobody decides in time: <see cref="Answer.Deny"/>,
    /// <see cref="Answer.Approve"/> or <see cref="Answer.Stop"/>.</summary>
    /// <value><see cref="Answer.Deny"/>.</value>
    public Answer Default { get; init; } = Answer.Deny;

    /// <summary>The policy that rules a call, when it needs approval; null when it does not.</summary>
    internal static ApprovalPolicy? Of(AgentDefinition agent, ToolDefinition tool, JsonElement arguments)
    {
        foreach (ApprovalPolicy policy in agent.Approvals)
        {
            if (policy.Matches(tool, arguments))
                return policy.Required ? policy : null;
        }

        return tool.RequiresApproval ? s_declared : null;
    }

    private static readonly ApprovalPolicy s_declared = new() { Name = "tool" };

    /// <summary>Checks that the policy can rule calls of these tools.</summary>
    /// <remarks><see cref="AgentBuilder.Build"/> does it for an agent's own.</remarks>
    /// <exception cref="ArgumentException">It names a tool that is not there, none of the tools that it names fits its other conditions, or
    /// its condition is about an argument that they do not take; the message names it and the nearest.</exception>
    public void CheckTools(IReadOnlyList<ToolDefinition> tools)
    {
        ArgumentNullException.ThrowIfNull(tools);
        if (ApprovalChecks.FaultOf(this, tools) is { } fault)
            throw new ArgumentException(fault);
    }

    /// <summary>Whether a name, or a pattern of one, stands for a tool.</summary>
    internal static bool IsNamed(ToolDefinition tool, string name) =>
        FileSystemName.MatchesSimpleExpression(name, tool.Name, ignoreCase: false);

    /// <summary>Whether it is about a tool, whatever the arguments.</summary>
    internal bool MatchesTool(ToolDefinition tool) =>
        (Tools.Count == 0 ? !IsHarmless(tool) : Tools.Any(t => IsNamed(tool, t)))
        && (Effects.Count == 0 || Effects.Contains(tool.Effect))
        && (Destructive is null || Destructive == tool.Destructive)
        && (CostAbove is null || tool.CostUsd > CostAbove);

    private bool Matches(ToolDefinition tool, JsonElement arguments) =>
        MatchesTool(tool) && (_schema is null || _schema.IsValid(arguments));

    private static bool IsHarmless(ToolDefinition tool) =>
        tool.Kind is ToolKind.AskUser or ToolKind.Wait or ToolKind.HandOff || ReferenceEquals(tool, ResultReader.Tool);

    private static JsonSchema Compile(JsonElement schema)
    {
        try
        {
            return JsonSchema.Parse(schema);
        }
        catch (JsonSchemaException e)
        {
            throw new ArgumentException(
                $"The condition on arguments of an approval policy is not a valid JSON Schema: {e.Message}",
                nameof(schema),
                e);
        }
    }
}
