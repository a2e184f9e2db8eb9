using System.Text.Json.Serialization;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Client.Contract;

/// <summary>A run at a glance; of one run alone also its outcome, or what it asks.</summary>
public sealed record RunDocument
{
    /// <summary>Its id.</summary>
    public required string Run { get; init; }

    /// <summary>Where it stands, such as <c>awaiting</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Why it stands there.</summary>
    public required string Reason { get; init; }

    /// <summary>Its agent.</summary>
    public required string Agent { get; init; }

    /// <summary>Its agent's version.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>Its tenant.</summary>
    public required string Tenant { get; init; }

    /// <summary>The user on whose behalf it runs.</summary>
    public string? User { get; init; }

    /// <summary>The conversation that it belongs to.</summary>
    public string? Session { get; init; }

    /// <summary>What its caller marked it with; null where there is nothing.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>The run whose child it is.</summary>
    public string? Parent { get; init; }

    /// <summary>The last sequence of its journal.</summary>
    public required long Sequence { get; init; }

    /// <summary>Who works on it.</summary>
    public string? Worker { get; init; }

    /// <summary>When it was started.</summary>
    public required string CreatedAt { get; init; }

    /// <summary>When it last changed.</summary>
    public required string UpdatedAt { get; init; }

    /// <summary>What it has spent.</summary>
    public required AmountDocument Spent { get; init; }

    /// <summary>What its calls in flight have reserved.</summary>
    public required AmountDocument Reserved { get; init; }

    /// <summary>When a waiting run goes on by itself.</summary>
    public string? WakesAt { get; init; }

    /// <summary>The answer of a completed run; otherwise what there is of one. Never written in a list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Output { get; init; }

    /// <summary>What went wrong, and the remedy; or which models it waits for, why, and until when. Never written in a list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Message { get; init; }

    /// <summary>Which validators proved it, with their evidence. Never written in a list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? ProvedBy { get; init; }

    /// <summary>What it, or an agent that it called, asks people. Never written in a list.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<QuestionDocument>? Questions { get; init; }

    /// <summary>A run at a glance.</summary>
    public static RunDocument Of(RunInfo run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return new()
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
    }

    /// <summary>The run with how it ended.</summary>
    /// <param name="outcome">The last event of its journal; any other event, or null, adds nothing.</param>
    public RunDocument With(RunEvent? outcome) => outcome switch
    {
        RunCompleted e => this with { Output = e.Output, ProvedBy = e.ProvedBy },
        RunFailed e => this with { Output = e.Partial, Message = e.Message },
        RunCancelled e => this with { Output = e.Partial, Message = e.Reason },
        StateChanged { To: RunStatus.Awaiting, Reason: Reasons.ModelUnavailable } e => this with { Message = e.Detail },
        _ => this,
    };
}

/// <summary>Runs, newest first.</summary>
/// <param name="Runs">The runs.</param>
/// <param name="More">Whether there are more than were asked for; null where that is not known.</param>
public sealed record RunList(
    IReadOnlyList<RunDocument> Runs,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] bool? More = null);
