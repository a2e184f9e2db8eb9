using System.Text.Json;
using Steward.Journal;

namespace Steward.Tools;

/// <summary>What is said of a tool where it is made; whatever is null
/// stays as its <see cref="ToolAttribute"/> or the default says.</summary>
public sealed record ToolOptions
{
    /// <inheritdoc cref="ToolAttribute.Name"/>
    public string? Name { get; init; }

    /// <inheritdoc cref="ToolAttribute.Description"/>
    public string? Description { get; init; }

    /// <inheritdoc cref="ToolDefinition.Effect"/>
    public ToolEffect? Effect { get; init; }

    /// <inheritdoc cref="ToolDefinition.Destructive"/>
    public bool? Destructive { get; init; }

    /// <inheritdoc cref="ToolDefinition.RequiresApproval"/>
    public bool? RequiresApproval { get; init; }

    /// <inheritdoc cref="ToolDefinition.Timeout"/>
    public TimeSpan? Timeout { get; init; }

    /// <inheritdoc cref="ToolDefinition.CostUsd"/>
    public decimal? CostUsd { get; init; }

    /// <inheritdoc cref="ToolDefinition.KeyMemory"/>
    public TimeSpan? KeyMemory { get; init; }

    /// <inheritdoc cref="ToolDefinition.MaxRepeats"/>
    public int? MaxRepeats { get; init; }

    /// <inheritdoc cref="ToolDefinition.MaxResult"/>
    public int? MaxResult { get; init; }

    /// <inheritdoc cref="ToolDefinition.Overlaps"/>
    public bool? Overlaps { get; init; }

    /// <summary>A method that finds out whether a lost call took effect; see <see cref="ToolProbeAttribute"/>.</summary>
    public Delegate? Probe { get; init; }

    /// <summary>How arguments are read and results are written.</summary>
    /// <value>camelCase, enums as text.</value>
    public JsonSerializerOptions? Json { get; init; }

    internal ToolOptions Over(ToolAttribute? attribute) => attribute is null ? this : this with
    {
        Name = Name ?? attribute.Name,
        Description = Description ?? attribute.Description,
        Effect = Effect ?? attribute.Effect,
        Destructive = Destructive ?? attribute.Destructive,
        RequiresApproval = RequiresApproval ?? attribute.RequiresApproval,
        Timeout = Timeout ?? TimeSpan.FromSeconds(attribute.TimeoutSeconds),
        CostUsd = CostUsd ?? (decimal)attribute.CostUsd,
        KeyMemory = KeyMemory ?? TimeSpan.FromHours(attribute.KeyMemoryHours),
        MaxRepeats = MaxRepeats ?? (attribute.MaxRepeats == 0 ? null : attribute.MaxRepeats),
        MaxResult = MaxResult ?? attribute.MaxResult,
        Overlaps = Overlaps ?? attribute.Overlaps,
    };

    internal ToolDefinition Define(string name, string description, JsonElement schema, ToolHandler handler, ToolProbe? probe)
    {
        var tool = new ToolDefinition(name, description, schema, handler)
        {
            Probe = probe,
            Effect = Effect ?? ToolEffect.Unsafe,
            Destructive = Destructive ?? false,
            RequiresApproval = RequiresApproval ?? false,
            Timeout = Timeout ?? TimeSpan.FromSeconds(60),
            CostUsd = CostUsd ?? 0,
            KeyMemory = KeyMemory ?? TimeSpan.FromHours(24),
            MaxRepeats = MaxRepeats,
            MaxResult = MaxResult ?? 8 * 1024,
            Overlaps = Overlaps ?? false,
        };
        tool.Check();
        return tool;
    }
}
