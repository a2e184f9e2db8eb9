using Steward.Journal;

namespace Steward.Storage.InMemory;

/// <summary>A run as the in-memory store keeps it.</summary>
internal sealed class RunRow(RunId id, int ordinal, RunStarted started, DateTimeOffset createdAt)
{
    public RunId Id { get; } = id;

    public int Ordinal { get; } = ordinal;

    public RunStarted Started { get; } = started;

    public DateTimeOffset CreatedAt { get; } = createdAt;

    public DateTimeOffset UpdatedAt { get; set; }

    public RunStatus Status { get; set; } = RunStatus.Planning;

    public string Reason { get; set; } = "started";

    public List<JournalEntry> Entries { get; } = [];

    public ReadOnlyMemory<byte> Head { get; set; }

    public Inbox Inbox { get; } = new();

    public long Epoch { get; set; }

    public string? Worker { get; set; }

    public DateTimeOffset? ClaimableAt { get; set; }

    public int Attempts { get; set; }

    public RunSnapshot? Snapshot { get; set; }

    /// <summary>Whether it waits for earlier runs of its session.</summary>
    public bool Queued { get; set; }

    /// <summary>Its questions, in the order in which they were asked.</summary>
    public List<QuestionInfo> Questions { get; } = [];

    public List<Feedback> Feedback { get; } = [];

    /// <summary>Its calls in flight that count against a limit.</summary>
    public IReadOnlyList<ToolSlot> Slots { get; set; } = [];

    /// <summary>The version of its agent: that of its start, until it is moved to another one.</summary>
    public string AgentVersion { get; set; } = started.AgentVersion;

    public BudgetRow Own { get; set; } = null!;

    public BudgetRow[] BudgetRows { get; set; } = [];

    public DateOnly BudgetDay { get; set; }

    public bool IsWantedBy(RunQuery query) =>
        (query.Run is null || query.Run == Id)
        && (query.Runs is null || query.Runs.Contains(Id))
        && (query.Tenant is null || query.Tenant == Started.Tenant)
        && (query.Agent is null || query.Agent == Started.Agent)
        && (query.Session is null || query.Session == Started.Session)
        && (query.Parent is null || query.Parent == Started.Parent?.Run)
        && (query.Statuses is null || query.Statuses.Contains(Status));

    public RunInfo ToInfo() => new()
    {
        Run = Id,
        Tenant = Started.Tenant,
        User = Started.User,
        Session = Started.Session,
        Agent = Started.Agent,
        AgentVersion = AgentVersion,
        Ancestors = Started.Parent?.Ancestors ?? [],
        Status = Status,
        Reason = Reason,
        Sequence = Entries.Count,
        Epoch = Epoch,
        Worker = Worker,
        ClaimableAt = ClaimableAt,
        CreatedAt = CreatedAt,
        UpdatedAt = UpdatedAt,
        Spent = Own.Info.Spent,
        Reserved = Own.Info.Reserved,
    };
}
