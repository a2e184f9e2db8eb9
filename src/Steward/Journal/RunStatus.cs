using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>Where a run stands in its state machine.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<RunStatus>))]
public enum RunStatus
{
    /// <summary>A plan is being made; every run starts here.</summary>
    [JsonStringEnumMemberName("planning")] Planning,

    /// <summary>Models and tools are being called.</summary>
    [JsonStringEnumMemberName("executing")] Executing,

    /// <summary>The outcome is being proved by the agent's validators.</summary>
    [JsonStringEnumMemberName("validating")] Validating,

    /// <summary>A failed step or verdict is being turned into what will be different.</summary>
    [JsonStringEnumMemberName("reflecting")] Reflecting,

    /// <summary>Parked: a person, a message, a timer or a switch decides when it goes on.</summary>
    [JsonStringEnumMemberName("awaiting")] Awaiting,

    /// <summary>Ended: every validator passed.</summary>
    [JsonStringEnumMemberName("completed")] Completed,

    /// <summary>Ended without success; the reason and any partial result are in the journal.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>Ended because somebody asked for it.</summary>
    [JsonStringEnumMemberName("cancelled")] Cancelled,
}

/// <summary>Questions about a status.</summary>
public static class RunStatusExtensions
{
    /// <summary>Whether a run in this status never changes again.</summary>
    public static bool IsTerminal(this RunStatus status) =>
        status is RunStatus.Completed or RunStatus.Failed or RunStatus.Cancelled;

    /// <summary>The status as the journal writes it, for example <c>executing</c>.</summary>
    public static string Name(this RunStatus status) => status switch
    {
        RunStatus.Planning => "planning",
        RunStatus.Executing => "executing",
        RunStatus.Validating => "validating",
        RunStatus.Reflecting => "reflecting",
        RunStatus.Awaiting => "awaiting",
        RunStatus.Completed => "completed",
        RunStatus.Failed => "failed",
        RunStatus.Cancelled => "cancelled",
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Unknown status."),
    };

    /// <summary>The status that <see cref="Name"/> wrote.</summary>
    public static RunStatus Parse(string name) => name switch
    {
        "planning" => RunStatus.Planning,
        "executing" => RunStatus.Executing,
        "validating" => RunStatus.Validating,
        "reflecting" => RunStatus.Reflecting,
        "awaiting" => RunStatus.Awaiting,
        "completed" => RunStatus.Completed,
        "failed" => RunStatus.Failed,
        "cancelled" => RunStatus.Cancelled,
        _ => throw new FormatException(
            $"'{name}' is not a run status; expected planning, executing, validating, reflecting, awaiting, completed, failed or cancelled."),
    };
}
