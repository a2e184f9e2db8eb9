using Steward.Journal;

namespace Steward.Tools;

/// <summary>Makes a method a tool; see <see cref="ToolFactory"/>.</summary>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolAttribute : Attribute
{
    /// <summary>The name that the model calls.</summary>
    /// <value>The method's name in snake_case, without <c>Async</c>.</value>
    public string? Name { get; init; }

    /// <summary>What it does and when to use it, for the model.</summary>
    /// <value>The method's <see cref="System.ComponentModel.DescriptionAttribute"/>.</value>
    public string? Description { get; init; }

    /// <summary>What it does to the world.</summary>
    /// <value><see cref="ToolEffect.Unsafe"/>.</value>
    public ToolEffect Effect { get; init; } = ToolEffect.Unsafe;

    /// <summary>Whether its effect destroys something.</summary>
    public bool Destructive { get; init; }

    /// <summary>Whether a person must approve each call.</summary>
    public bool RequiresApproval { get; init; }

    /// <summary>Seconds that a call may take.</summary>
    /// <value>60.</value>
    public double TimeoutSeconds { get; init; } = 60;

    /// <summary>What a call costs at most, in US dollars.</summary>
    public double CostUsd { get; init; }

    /// <summary>For an idempotent tool: hours for which the other side remembers a key.</summary>
    /// <value>24.</value>
    public double KeyMemoryHours { get; init; } = 24;

    /// <summary>How often the very same call may bring the very same result
    /// before it is refused; 0 for the default of the effect.</summary>
    public int MaxRepeats { get; init; }

    /// <summary>Bytes of a result that the model is shown.</summary>
    /// <value>8 KiB.</value>
    public int MaxResult { get; init; } = 8 * 1024;

    /// <inheritdoc cref="ToolDefinition.Overlaps"/>
    public bool Overlaps { get; init; }
}

/// <summary>Makes a method the probe of a tool of the same type: it finds out whether a call whose result was lost took effect.</summary>
/// <remarks>It returns a <see cref="ProbeResult"/>, takes arguments of the tool by the
/// same names and types, and usually the <see cref="ToolContext"/> for its key.</remarks>
/// <param name="tool">The tool's method: <c>nameof(Send)</c>.</param>
[AttributeUsage(AttributeTargets.Method)]
public sealed class ToolProbeAttribute(string tool) : Attribute
{
    /// <summary>The tool's method.</summary>
    public string Tool => tool;
}

/// <summary>Has a tool's parameter bound from the host's services; the model does not see it.</summary>
[AttributeUsage(AttributeTargets.Parameter)]
public sealed class FromHostAttribute : Attribute;
