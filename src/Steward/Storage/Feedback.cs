using System.Text.Json.Serialization;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>What somebody, or something that happened, says about a run or one of
/// its messages. Kept beside the journal: an ended run never changes.</summary>
public sealed record Feedback
{
    /// <summary>The sender's id: sent again, it changes nothing.</summary>
    public required string Id { get; init; }

    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>The turn whose message it is about; null for the whole run.</summary>
    public int? Turn { get; init; }

    /// <summary>What kind of feedback.</summary>
    public required FeedbackKind Kind { get; init; }

    /// <summary>From 0 (useless) to 1 (perfect); null where there is none.</summary>
    public double? Score { get; init; }

    /// <summary>In words.</summary>
    public string? Comment { get; init; }

    /// <summary>Who: a user's name, or <c>runtime</c> for what the runtime noticed.</summary>
    public required string By { get; init; }

    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }
}

/// <summary>Kinds of feedback.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<FeedbackKind>))]
public enum FeedbackKind
{
    /// <summary>Somebody gave a score or a comment.</summary>
    [JsonStringEnumMemberName("explicit")] Explicit,

    /// <summary>A person changed what the agent was about to do.</summary>
    [JsonStringEnumMemberName("corrected")] Corrected,

    /// <summary>The user asked for the same again.</summary>
    [JsonStringEnumMemberName("repeated")] Repeated,

    /// <summary>It was handed to a person.</summary>
    [JsonStringEnumMemberName("escalated")] Escalated,
}

/// <summary>Which feedback to find.</summary>
public sealed record FeedbackQuery
{
    /// <summary>Only about this run.</summary>
    public RunId? Run { get; init; }

    /// <summary>Only about runs of this agent.</summary>
    public string? Agent { get; init; }

    /// <summary>Only about runs of this tenant.</summary>
    public string? Tenant { get; init; }

    /// <summary>At most so much, newest first.</summary>
    /// <value>100.</value>
    public int Limit { get; init; } = 100;
}
