using Steward.Journal;

namespace Steward.TimeTravel;

/// <summary>To which version of its agent a run is moved, by whom and why.</summary>
public sealed record MigrationRequest
{
    /// <summary>The version; null for the newest that is loaded here.</summary>
    public string? AgentVersion { get; init; }

    /// <summary>Who wants it.</summary>
    public required string By { get; init; }

    /// <summary>Why; it stands in the journal.</summary>
    public string? Note { get; init; }

    /// <summary>Only says what it would change and what stands in the way.</summary>
    public bool DryRun { get; init; }

    /// <summary>Makes sending idempotent; null for a new id.</summary>
    public string? SignalId { get; init; }
}

/// <summary>What moving a run to another version of its agent changes, and what stands in the way.</summary>
public sealed record MigrationReport
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The agent.</summary>
    public required string Agent { get; init; }

    /// <summary>The version that it is on.</summary>
    public required string FromVersion { get; init; }

    /// <summary>SHA-256 of the definition that it is on.</summary>
    public required string FromHash { get; init; }

    /// <summary>The version that it moves to.</summary>
    public required string ToVersion { get; init; }

    /// <summary>SHA-256 of the definition that it moves to; null when that is not loaded here.</summary>
    public string? ToHash { get; init; }

    /// <summary>What is different.</summary>
    public IReadOnlyList<MigrationChange> Changes { get; init; } = [];

    /// <summary>What stands in the way, and the remedy; nothing is sent as long as there is any.</summary>
    public IReadOnlyList<string> Blockers { get; init; } = [];

    /// <summary>Whether the run was told to move; it does so at the next action.</summary>
    public bool IsSent { get; init; }

    /// <summary>Whether the run is on that very definition already.</summary>
    public bool IsThereAlready => ToHash == FromHash;
}

/// <summary>One difference between two versions of an agent.</summary>
/// <param name="Subject">What it is about: <c>instructions</c>, <c>models</c>, <c>tools</c>,
/// <c>approvals</c>, <c>validators</c>, <c>limits</c>, <c>budget</c> or <c>planning</c>.</param>
/// <param name="Text">The difference in words.</param>
public sealed record MigrationChange(string Subject, string Text);

/// <summary>A run was not moved to another version, for the reasons in <see cref="Report"/>.</summary>
public sealed class MigrationBlockedException : StewardException
{
    /// <summary>Creates the error.</summary>
    public MigrationBlockedException(MigrationReport report)
        : base($"Run {report?.Run} was not moved to version '{report?.ToVersion}': {string.Join(" ", report?.Blockers ?? [])}") =>
            Report = report!;

    /// <summary>What stands in the way.</summary>
    public MigrationReport Report { get; }
}
