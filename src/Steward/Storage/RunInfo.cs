using System.Collections.ObjectModel;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>A run at a glance: the store's row, kept in step with the journal by every append.</summary>
public sealed record RunInfo
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Its tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Its user, if any.</summary>
    public string? User { get; init; }

    /// <summary>Its session, if any.</summary>
    public string? Session { get; init; }

    /// <summary>Its agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Its agent's version.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>The run whose child it is, then that one's parent, and so on; empty for a run of its own.</summary>
    public IReadOnlyList<RunId> Ancestors { get; init; } = [];

    /// <summary>What its caller marked it with, by name; empty for nothing.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = ReadOnlyDictionary<string, string>.Empty;

    /// <summary>Where it stands.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>The last sequence of its journal.</summary>
    public required long Sequence { get; init; }

    /// <summary>The epoch of its last claim; 0 before the first.</summary>
    public required long Epoch { get; init; }

    /// <summary>Who holds its lease, if anybody does.</summary>
    public string? Worker { get; init; }

    /// <summary>When it can be claimed: past or now means claimable; null means that only a signal or a switch wakes it.</summary>
    public DateTimeOffset? ClaimableAt { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>What it has spent.</summary>
    public BudgetAmount Spent { get; init; }

    /// <summary>What its calls in flight have reserved.</summary>
    public BudgetAmount Reserved { get; init; }
}

/// <summary>Which runs to find.</summary>
public sealed record RunQuery
{
    /// <summary>Only this run.</summary>
    public RunId? Run { get; init; }

    /// <summary>Only these runs; what there is none of is left out.</summary>
    public IReadOnlyCollection<RunId>? Runs { get; init; }

    /// <summary>Only runs of this tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>Only runs of this agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Only runs of this session.</summary>
    public string? Session { get; init; }

    /// <summary>Only runs that are nobody's children.</summary>
    public bool RootsOnly { get; init; }

    /// <summary>Only children of this run.</summary>
    public RunId? Parent { get; init; }

    /// <summary>Only runs in one of these statuses.</summary>
    public IReadOnlyCollection<RunStatus>? Statuses { get; init; }

    /// <summary>Only runs that bear each of these labels, with exactly this value.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>At most so many.</summary>
    /// <value>100.</value>
    public int Limit { get; init; } = 100;
}

/// <summary>A kill switch that is engaged.</summary>
/// <param name="Scope"><c>global</c>, <c>tenant:NAME</c>, <c>agent:NAME</c> or <c>run:ID</c>.</param>
/// <param name="By">Who engaged it.</param>
/// <param name="Reason">Why.</param>
/// <param name="At">When.</param>
public sealed record KillSwitch(string Scope, string By, string? Reason, DateTimeOffset At)
{
    /// <summary>Whether it is over a run.</summary>
    public bool Covers(RunInfo run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return Covers(run.Run, run.Tenant, run.Agent, run.Ancestors);
    }

    /// <summary>Whether it is over a run of that tenant and agent, or over one that the run descends from.</summary>
    public bool Covers(RunId run, string tenant, string agent, IReadOnlyList<RunId>? ancestors = null)
    {
        if (Scope == "global" || Scope == $"tenant:{tenant}" || Scope == $"agent:{agent}" || Scope == $"run:{run}")
            return true;
        foreach (RunId ancestor in ancestors ?? [])
        {
            if (Scope == $"run:{ancestor}")
                return true;
        }

        return false;
    }

    /// <summary>Checks a scope as a person writes it.</summary>
    /// <exception cref="FormatException">It is none.</exception>
    public static string ParseScope(string scope)
    {
        BudgetScope parsed = BudgetScope.Parse(scope);
        if (scope.StartsWith("session:", StringComparison.Ordinal))
            throw new FormatException($"'{scope}' cannot have a kill switch; expected global, tenant:NAME, agent:NAME or run:ID.");
        return scope.StartsWith("run:", StringComparison.Ordinal) ? $"run:{RunId.Parse(scope[4..])}" : parsed.Key;
    }
}
