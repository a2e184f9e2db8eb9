using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools.Declarative;

/// <summary>What every declared tool says of itself.</summary>
public abstract record DeclaredToolOptions
{
    /// <summary>The name that the model calls.</summary>
    public required string Name { get; init; }

    /// <summary>What it does and when to use it, for the model.</summary>
    public required string Description { get; init; }

    /// <summary>What the model may say, in the order in which it is shown.</summary>
    public IReadOnlyList<ToolParameter> Parameters { get; init; } = [];

    /// <inheritdoc cref="ToolDefinition.Destructive"/>
    public bool Destructive { get; init; }

    /// <inheritdoc cref="ToolDefinition.RequiresApproval"/>
    public bool RequiresApproval { get; init; }

    /// <summary>How long a call may take.</summary>
    /// <value>30 seconds.</value>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <inheritdoc cref="ToolDefinition.CostUsd"/>
    public decimal CostUsd { get; init; }

    /// <inheritdoc cref="ToolDefinition.KeyMemory"/>
    public TimeSpan KeyMemory { get; init; } = TimeSpan.FromHours(24);

    /// <inheritdoc cref="ToolDefinition.MaxRepeats"/>
    public int? MaxRepeats { get; init; }

    /// <inheritdoc cref="ToolDefinition.MaxResult"/>
    public int MaxResult { get; init; } = 8 * 1024;

    /// <inheritdoc cref="ToolDefinition.Overlaps"/>
    public bool Overlaps { get; init; }

    internal ToolDefinition Define(ToolEffect effect, ToolHandler handler, ToolProbe? probe)
    {
        if (effect == ToolEffect.Transactional)
            throw new ArgumentException(
                $"The tool '{Name}' cannot be transactional: a declared tool does not write in the journal's own transaction.");
        return new ToolOptions
        {
            Effect = effect,
            Destructive = Destructive,
            RequiresApproval = RequiresApproval,
            Timeout = Timeout,
            CostUsd = CostUsd,
            KeyMemory = KeyMemory,
            MaxRepeats = MaxRepeats,
            MaxResult = MaxResult,
            Overlaps = Overlaps,
        }.Define(Name, Description, ToolParameters.Schema(Name, Parameters), handler, probe);
    }
}

/// <summary>The type of a declared tool's parameter.</summary>
public enum ToolParameterType
{
    /// <summary>Text.</summary>
    String,

    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>A number.</summary>
    Number,

    /// <summary>True or false.</summary>
    Boolean,
}

/// <summary>A parameter of a declared tool.</summary>
/// <param name="Name">Letters, digits and <c>_</c>.</param>
/// <param name="Type">Its type.</param>
public sealed record ToolParameter(string Name, ToolParameterType Type = ToolParameterType.String)
{
    /// <summary>What it means, for the model.</summary>
    public string? Description { get; init; }

    /// <summary>Whether the model must say it; one with a default never must.</summary>
    /// <value>True.</value>
    public bool Required { get; init; } = true;

    /// <summary>What it is when the model does not say it.</summary>
    public JsonElement? Default { get; init; }

    /// <summary>The only values it may have.</summary>
    public IReadOnlyList<JsonElement>? Enum { get; init; }

    /// <summary>The least value.</summary>
    public decimal? Minimum { get; init; }

    /// <summary>The greatest value.</summary>
    public decimal? Maximum { get; init; }

    /// <summary>The least length.</summary>
    public int? MinLength { get; init; }

    /// <summary>The greatest length.</summary>
    public int? MaxLength { get; init; }

    /// <summary>A regular expression (ECMA-262) that a text must match somewhere; anchor it.</summary>
    public string? Pattern { get; init; }

    /// <summary>A format of JSON Schema, for example <c>email</c> or <c>date</c>.</summary>
    public string? Format { get; init; }

    internal bool MustBeSaid => Required && Default is null;
}
