using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Tables;

/// <summary>A run's row.</summary>
internal sealed record RunRow
{
    public const string Columns = "r.id, r.uuid, r.tenant, r.user_name, r.session, r.agent, r.version, r.status, r.reason, r.epoch, r.worker, r.attempts, r.head, r.head_hash, r.claimable_at, r.created_at, r.updated_at, r.ancestors, r.queued, r.slots, r.doubted";
    public const int ColumnCount = 21;

    private (DateOnly Day, BudgetScope[] Scopes)? _scopes;

    /// <summary>The row's small number, by which events and signals refer to it.</summary>
    public required long Id { get; init; }
    public required RunId Run { get; init; }
    public required string Tenant { get; init; }
    public required string? User { get; init; }
    public required string? Session { get; init; }
    public required string Agent { get; init; }
    public required string Version { get; init; }
    public required RunStatus Status { get; init; }
    public required string Reason { get; init; }
    public required long Epoch { get; init; }
    public required string? Worker { get; init; }
    public required int Attempts { get; init; }
    public required long Head { get; init; }
    public required byte[] HeadHash { get; init; }
    public required DateTimeOffset? ClaimableAt { get; init; }
    public required DateTimeOffset CreatedAt { get; init; }
    public required DateTimeOffset UpdatedAt { get; init; }
    public required IReadOnlyList<RunId> Ancestors { get; init; }

    /// <summary>Whether it waits for earlier runs of its session.</summary>
    public required bool Queued { get; init; }

    /// <summary>Its calls in flight that count against a limit.</summary>
    public required IReadOnlyList<ToolSlot> Slots { get; init; }

    /// <summary>The budgets on which it draws on a day. Kept, as nearly all appends of a run are of one day.</summary>
    public BudgetScope[] ScopesOf(DateOnly day)
    {
        if (_scopes is not { } kept || kept.Day != day)
            _scopes = kept = (day, Gate.Scopes(Run, Tenant, Session, Agent, day, Ancestors));
        return kept.Scopes;
    }

    public static RunRow Read(NpgsqlDataReader r) => new()
    {
        Id = r.GetInt64(0),
        Run = new RunId(r.GetGuid(1)),
        Tenant = r.GetString(2),
        User = r.TextOrNull(3),
        Session = r.TextOrNull(4),
        Agent = r.GetString(5),
        Version = r.GetString(6),
        Status = RunStatusExtensions.Parse(r.GetString(7)),
        Reason = r.GetString(8),
        Epoch = r.GetInt64(9),
        Worker = r.TextOrNull(10),
        Attempts = r.GetInt32(11),
        Head = r.GetInt64(12),
        HeadHash = r.Bytes(13),
        ClaimableAt = r.TimeOrNull(14),
        CreatedAt = r.Time(15),
        UpdatedAt = r.Time(16),
        Ancestors = ReadAncestors(r, 17),
        Queued = r.GetBoolean(18),
        Slots = SlotRules.Read(r.TextOrNull(19)),
        IsDoubted = r.GetBoolean(20),
    };

    /// <summary>Whether what it did last may be missing (<see cref="Operations.Timelines"/>).</summary>
    public required bool IsDoubted { get; init; }

    public static IReadOnlyList<RunId> ReadAncestors(NpgsqlDataReader r, int column) =>
        r.GetFieldValue<Guid[]>(column) is { Length: > 0 } above ? Array.ConvertAll(above, id => new RunId(id)) : [];

    public RunInfo ToInfo(BudgetAmount spent, BudgetAmount reserved) => new()
    {
        Run = Run,
        Tenant = Tenant,
        User = User,
        Session = Session,
        Agent = Agent,
        AgentVersion = Version,
        Status = Status,
        Reason = Reason,
        Ancestors = Ancestors,
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
