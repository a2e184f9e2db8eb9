using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Contract;

/// <summary>A run at a glance; of one run alone also its outcome and what it asks. The names are those of <c>steward runs --json</c>.</summary>
internal sealed record RunDocument
{
    public required string Run { get; init; }

    public required string Status { get; init; }

    public required string Reason { get; init; }

    public required string Agent { get; init; }

    public required string AgentVersion { get; init; }

    public required string Tenant { get; init; }

    public string? User { get; init; }

    public string? Session { get; init; }

    /// <summary>What its caller marked it with; left out where there is nothing.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>The run whose child it is.</summary>
    public string? Parent { get; init; }

    public required long Sequence { get; init; }

    /// <summary>Who works on it.</summary>
    public string? Worker { get; init; }

    public required string CreatedAt { get; init; }

    public required string UpdatedAt { get; init; }

    public required AmountDocument Spent { get; init; }

    public required AmountDocument Reserved { get; init; }

    /// <summary>When a waiting run goes on by itself.</summary>
    public string? WakesAt { get; init; }

    /// <summary>The answer of a completed run; otherwise what there is of one.</summary>
    public string? Output { get; init; }

    /// <summary>What went wrong, and the remedy.</summary>
    public string? Message { get; init; }

    /// <summary>Which validators proved it, with their evidence.</summary>
    public IReadOnlyList<string>? ProvedBy { get; init; }

    /// <summary>What it, or an agent that it called, asks people.</summary>
    public IReadOnlyList<QuestionDocument>? Questions { get; init; }

    public static RunDocument Of(RunInfo run) => new()
    {
        Run = run.Run.ToString(),
        Status = run.Status.Name(),
        Reason = run.Reason,
        Agent = run.Agent,
        AgentVersion = run.AgentVersion,
        Tenant = run.Tenant,
        User = run.User,
        Session = run.Session,
        Labels = run.Labels is { Count: > 0 } labels ? labels : null,
        Parent = run.Ancestors is [var parent, ..] ? parent.ToString() : null,
        Sequence = run.Sequence,
        Worker = run.Worker,
        CreatedAt = Wire.Time(run.CreatedAt),
        UpdatedAt = Wire.Time(run.UpdatedAt),
        Spent = AmountDocument.Of(run.Spent),
        Reserved = AmountDocument.Of(run.Reserved),
        WakesAt = run is { Status: RunStatus.Awaiting, Worker: null, ClaimableAt: { } at } ? Wire.Time(at) : null,
    };

    /// <summary>With how it ended.</summary>
    public RunDocument With(RunEvent? outcome) => outcome switch
    {
        RunCompleted e => this with { Output = e.Output, ProvedBy = e.ProvedBy },
        RunFailed e => this with { Output = e.Partial, Message = e.Message },
        RunCancelled e => this with { Output = e.Partial, Message = e.Reason },
        _ => this,
    };
}

internal sealed record AmountDocument(decimal Usd, long Tokens, long ModelCalls, long ToolCalls)
{
    public static AmountDocument Of(BudgetAmount amount) => new(amount.Usd, amount.Tokens, amount.ModelCalls, amount.ToolCalls);
}

/// <summary>Runs, newest first.</summary>
/// <param name="Runs">The runs.</param>
/// <param name="More">Whether there are more than were asked for.</param>
internal sealed record RunList(IReadOnlyList<RunDocument> Runs, bool More);

internal sealed record AgentList(IReadOnlyList<AgentDocument> Agents);

internal sealed record AgentDocument(string Agent, string Version);

/// <summary>What became of something that was sent to a run.</summary>
/// <param name="Run">The run.</param>
/// <param name="Result"><c>accepted</c>, or <c>duplicate</c> when the same key was there before.</param>
internal sealed record SentDocument(string Run, string Result);

internal sealed record ReadinessDocument(string Status, string? Reason = null);
