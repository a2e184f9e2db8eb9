using System.Globalization;

namespace Steward.Journal;

/// <summary>What a budget belongs to, as a key such as <c>run:…</c>, <c>session:acme/42</c>,
/// <c>tenant:acme</c>, <c>agent:support@2026-11-23</c> or <c>global</c>.</summary>
/// <param name="Key">The key, as stores keep it and people write it.</param>
public readonly record struct BudgetScope(string Key)
{
    /// <summary>Everything that this installation spends.</summary>
    public static BudgetScope Global => new("global");

    /// <summary>One run, its children included.</summary>
    public static BudgetScope ForRun(RunId run) => new($"run:{run}");

    /// <summary>One session of a tenant, whose name is escaped so that no other tenant's session has the same key.</summary>
    public static BudgetScope ForSession(string tenant, string session) => new($"session:{Uri.EscapeDataString(tenant)}/{session}");

    /// <summary>One tenant.</summary>
    public static BudgetScope ForTenant(string tenant) => new($"tenant:{tenant}");

    /// <summary>One agent; its ceilings hold anew for each day (UTC).</summary>
    public static BudgetScope ForAgent(string agent) => new($"agent:{agent}");

    /// <summary>One agent on one day (UTC): where the spending of that day is counted.</summary>
    public static BudgetScope ForAgentDay(string agent, DateOnly day) =>
        new(string.Create(CultureInfo.InvariantCulture, $"agent:{agent}@{day:yyyy-MM-dd}"));

    /// <summary>The scope whose ceilings rule this one: an agent's for each of its days, otherwise itself.</summary>
    public BudgetScope CeilingScope =>
        Key.StartsWith("agent:", StringComparison.Ordinal) && Key.LastIndexOf('@') is var at and > 0 ? new(Key[..at]) : this;

    /// <summary>Reads a scope as a person writes it.</summary>
    public static BudgetScope Parse(string key)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(key);
        bool known = key == "global"
            || key is { Length: > 4 } && key.StartsWith("run:", StringComparison.Ordinal)
            || key is { Length: > 8 } && key.StartsWith("session:", StringComparison.Ordinal)
            || key is { Length: > 7 } && key.StartsWith("tenant:", StringComparison.Ordinal)
            || key is { Length: > 6 } && key.StartsWith("agent:", StringComparison.Ordinal);
        return known
            ? new BudgetScope(key)
            : throw new FormatException(
                $"'{key}' is not a scope; expected global, tenant:NAME, agent:NAME, session:TENANT/NAME or run:ID.");
    }

    /// <inheritdoc/>
    public override string ToString() => Key;
}
