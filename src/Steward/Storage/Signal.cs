using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>Something from outside that a run has to take notice of; applied exactly once.</summary>
/// <param name="Id">The sender's id: the same id is taken once per run.</param>
/// <param name="Run">The run.</param>
/// <param name="Body">What it says.</param>
public sealed record Signal(string Id, RunId Run, SignalBody Body);

/// <summary>What a signal says.</summary>
[JsonPolymorphic(TypeDiscriminatorPropertyName = "is")]
[JsonDerivedType(typeof(MessageSignal), "message")]
[JsonDerivedType(typeof(CancelSignal), "cancel")]
[JsonDerivedType(typeof(AnswerSignal), "answer")]
[JsonDerivedType(typeof(ReassignSignal), "reassign")]
[JsonDerivedType(typeof(ChildSignal), "child")]
[JsonDerivedType(typeof(NamedSignal), "named")]
[JsonDerivedType(typeof(MigrateSignal), "migrate")]
public abstract record SignalBody
{
    /// <summary>The trace of the caller who sent it, if the caller was traced.</summary>
    public TraceContext? Trace { get; init; }
}

/// <summary>A further message of the user.</summary>
public sealed record MessageSignal(IReadOnlyList<ContentPart> Input) : SignalBody;

/// <summary>Stop the run.</summary>
public sealed record CancelSignal(string By, string? Reason) : SignalBody;

/// <summary>Something that a run may wait for by name has happened.</summary>
public sealed record NamedSignal(string Name, string? Payload) : SignalBody;

/// <summary>A question of the run was given to somebody else.</summary>
public sealed record ReassignSignal(
    string Question,
    string By,
    string? Assignee,
    IReadOnlyList<string>? Roles,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool Override = false)
    : SignalBody;

/// <summary>A child run has ended; sent in the transaction of its last event.</summary>
/// <param name="Child">The child.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Output">Its answer, or what there is of one.</param>
/// <param name="Reason">Why it did not complete.</param>
/// <param name="Spent">What it and its own children spent.</param>
/// <param name="FailedCalls">Hashes of its calls that failed.</param>
public sealed record ChildSignal(
    RunId Child,
    RunStatus Status,
    string? Output,
    string? Reason,
    BudgetAmount Spent,
    IReadOnlyList<string>? FailedCalls = null)
    : SignalBody;

/// <summary>Go on under another version of the agent.</summary>
public sealed record MigrateSignal(string AgentVersion, string DefinitionHash, string By, string? Note) : SignalBody;

/// <summary>An answer to a question of the run.</summary>
public sealed record AnswerSignal(string Question, Answer Answer, string By, string? Result, string? Note) : SignalBody
{
    /// <summary>Arguments in place of those asked about.</summary>
    public JsonElement? Arguments { get; init; }

    /// <summary>The binding of what was decided on.</summary>
    public string? Binding { get; init; }
}

/// <summary>What became of a signal.</summary>
public enum SignalResult
{
    /// <summary>It is in the inbox.</summary>
    Accepted,

    /// <summary>A signal of that id was there before: nothing changed.</summary>
    Duplicate,

    /// <summary>There is no such run.</summary>
    UnknownRun,

    /// <summary>The run has ended: nothing changed.</summary>
    RunEnded,
}
