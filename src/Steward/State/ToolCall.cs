using System.Text.Json;
using Steward.Journal;

namespace Steward.State;

/// <summary>Where a tool call stands.</summary>
public enum ToolCallStatus
{
    /// <summary>The model asked for it; nothing has been started.</summary>
    Requested,

    /// <summary>Its intent is durable and it is being made.</summary>
    Started,

    /// <summary>Its intent is durable and its result was lost.</summary>
    Lost,

    /// <summary>A person is asked about it.</summary>
    Asked,

    /// <summary>A child run carries it out.</summary>
    Delegated,

    /// <summary>It waits for a time or a signal.</summary>
    Waiting,

    /// <summary>It has its one result.</summary>
    Done,
}

/// <summary>A tool call of the model's last message.</summary>
public sealed record ToolCall
{
    /// <summary>The turn whose answer asked for it.</summary>
    public required int Turn { get; init; }

    /// <summary>Its place among that answer's calls.</summary>
    public required int Index { get; init; }

    /// <summary>The request.</summary>
    public required CallPart Part { get; init; }

    /// <summary>Where it stands.</summary>
    public ToolCallStatus Status { get; init; }

    /// <summary>The intent, once there was one.</summary>
    public ToolStarted? Intent { get; init; }

    /// <summary>When the first attempt's intent was recorded.</summary>
    public DateTimeOffset FirstStartedAt { get; init; }

    /// <summary>When the last attempt's intent was recorded.</summary>
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>What it holds reserved.</summary>
    public BudgetAmount Reserved { get; init; }

    /// <summary>Whether the probe could not tell its outcome.</summary>
    public bool Probed { get; init; }

    /// <summary>Whether somebody said that the lost effect did not happen, so that it may be called again.</summary>
    public bool Cleared { get; init; }

    /// <summary>What a person approved: the binding of tool, arguments and
    /// definition. It may start only while that is still what it is.</summary>
    public string? ApprovedBinding { get; init; }

    /// <summary>The policy under which it was approved: arguments that a person changed may come under a stricter one.</summary>
    public string? ApprovedPolicy { get; init; }

    /// <summary>How often approval was asked for.</summary>
    public int ApprovalsAsked { get; init; }

    /// <summary>Whether a person changed its arguments.</summary>
    public bool IsEdited { get; init; }

    /// <summary>When a call that waits goes on by itself.</summary>
    public DateTimeOffset? WaitUntil { get; init; }

    /// <summary>The signal that it waits for.</summary>
    public string? WaitFor { get; init; }

    /// <summary>What the model sees as its result.</summary>
    public string? Result { get; init; }

    /// <summary>What the model sees beside the result.</summary>
    public IReadOnlyList<ContentPart>? Content { get; init; }

    /// <summary>Whether that result is an error.</summary>
    public bool IsError { get; init; }

    /// <summary>The answer of the agent that took the task over by this call.</summary>
    public string? HandedBack { get; init; }

    /// <summary>Its position, for example <c>3.0</c>.</summary>
    public string Position => $"{Turn}.{Index}";
}

/// <summary>A tool call that has its result.</summary>
/// <param name="Turn">The turn.</param>
/// <param name="Index">The place in the turn.</param>
/// <param name="Name">The tool's name, as the model wrote it.</param>
/// <param name="Arguments">The arguments, as the model wrote them.</param>
/// <param name="Result">What the model saw.</param>
/// <param name="IsError">Whether it failed or was refused.</param>
/// <param name="Started">Whether it was ever started, so that it may have had an effect.</param>
public sealed record CompletedCall(int Turn, int Index, string Name, JsonElement? Arguments, string Result, bool IsError, bool Started);

/// <summary>A model call whose answer has not been recorded.</summary>
/// <param name="Intent">The intent.</param>
/// <param name="StartedAt">When it was recorded.</param>
/// <param name="Lost">Whether its worker has gone, so that the answer will never come.</param>
public sealed record ModelCall(ModelStarted Intent, DateTimeOffset StartedAt, bool Lost);
