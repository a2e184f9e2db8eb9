namespace Steward.Storage;

/// <summary>What a limit is for: <c>global</c>, <c>tenant:NAME</c>, <c>tool:NAME</c>, or
/// <c>tenant:*</c> and <c>tool:*</c> for each tenant and each tool that has none of its own.</summary>
/// <param name="Key">The key, as stores keep it and people write it.</param>
public readonly record struct LimitScope(string Key)
{
    private const string Tenant = "tenant:";
    private const string Tool = "tool:";

    /// <summary>All runs of the installation.</summary>
    public static LimitScope Global => new("global");

    /// <summary>Each tenant that has no limit of its own.</summary>
    public static LimitScope EachTenant => new(Tenant + "*");

    /// <summary>Each tool that has no limit of its own.</summary>
    public static LimitScope EachTool => new(Tool + "*");

    /// <summary>One tenant.</summary>
    public static LimitScope ForTenant(string tenant) => new(Tenant + tenant);

    /// <summary>One tool, by its name, whichever agents have it.</summary>
    public static LimitScope ForTool(string tool) => new(Tool + tool);

    /// <summary>Whether it is about calls of tools; otherwise it is about runs.</summary>
    public bool IsTool => Key.StartsWith(Tool, StringComparison.Ordinal);

    /// <summary>Whether it stands for all that have no limit of their own.</summary>
    public bool IsDefault => this == EachTenant || this == EachTool;

    /// <summary>The tenant or the tool; null for all of them together.</summary>
    public string? Name => this == Global ? null : Key[(IsTool ? Tool : Tenant).Length..];

    /// <summary>Reads a scope as a person writes it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static LimitScope Parse(string key)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        bool known = key == "global"
            || (key.Length > Tenant.Length && key.StartsWith(Tenant, StringComparison.Ordinal))
            || (key.Length > Tool.Length && key.StartsWith(Tool, StringComparison.Ordinal));
        return known
            ? new LimitScope(key)
            : throw new FormatException(
                $"'{key}' cannot have a limit; expected global, tenant:NAME, tenant:* (each tenant), tool:NAME or tool:* (each tool).");
    }

    /// <inheritdoc/>
    public override string ToString() => Key;
}
