using Steward.Journal;

namespace Steward.Storage;

/// <summary>A run's row, the same in every store: what the gate, claims and sessions decide on.</summary>
public sealed record RunRecord
{
    private (DateOnly Day, BudgetScope[] Scopes)? _scopes;

    /// <summary>The row's small number, in the order in which runs were started; the store's other rows refer to it.</summary>
    public required long Id { get; init; }

    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Its tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>Its user, if any.</summary>
    public required string? User { get; init; }

    /// <summary>Its session, if any.</summary>
    public required string? Session { get; init; }

    /// <summary>Its agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Its agent's version: that of its start, until it is moved to another one.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>Where it stands.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>The epoch of its last claim; 0 before the first.</summary>
    public required long Epoch { get; init; }

    /// <summary>Who holds its lease, if anybody does.</summary>
    public required string? Worker { get; init; }

    /// <summary>Claims since it last made progress or was released.</summary>
    public required int Attempts { get; init; }

    /// <summary>The last sequence of its journal.</summary>
    public required long Head { get; init; }

    /// <summary>The hash of its journal's last entry.</summary>
    public required ReadOnlyMemory<byte> HeadHash { get; init; }

    /// <summary>
    /// When it can be claimed; the end of its lease while it has one. Null means that only a signal or a switch wakes it.
    /// </summary>
    public required DateTimeOffset? ClaimableAt { get; init; }

    /// <summary>When it was started.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it last changed.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The run whose child it is, then that one's parent, and so on; empty for a run of its own.</summary>
    public required IReadOnlyList<RunId> Ancestors { get; init; }

    /// <summary>What its caller marked it with, by name.</summary>
    public required IReadOnlyDictionary<string, string> Labels { get; init; }

    /// <summary>Whether it waits for earlier runs of its session.</summary>
    public required bool Queued { get; init; }

    /// <summary>Its calls in flight that count against a limit.</summary>
    public required IReadOnlyList<ToolSlot> Slots { get; init; }

    /// <summary>Whether what it did last may be missing, as the database is another one than before.</summary>
    public bool IsDoubted { get; init; }

    /// <summary>
    /// The budgets on which it draws on a day. Those of the last day asked for are kept, as nearly all appends of a run are of
    /// one day.
    /// </summary>
    public IReadOnlyList<BudgetScope> ScopesOf(DateOnly day)
    {
        if (_scopes is not { } kept || kept.Day != day)
            _scopes = kept = (day, Gate.Scopes(Run, Tenant, Session, Agent, day, Ancestors));
        return kept.Scopes;
    }

    /// <summary>The run at a glance.</summary>
    public RunInfo ToInfo(BudgetAmount spent, BudgetAmount reserved) => new()
    {
        Run = Run,
        Tenant = Tenant,
        User = User,
        Session = Session,
        Agent = Agent,
        AgentVersion = AgentVersion,
        Ancestors = Ancestors,
        Labels = Labels,
        Status = Status,
        Reason = Reason,
        Sequence = Head,
        Epoch = Epoch,
        Worker = Worker,
        ClaimableAt = ClaimableAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        Spent = spent,
        Reserved = reserved,
    };
}
