using System.Text.Json.Serialization;
using Steward.Runs;

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
public abstract record SignalBody;

/// <summary>A further message of the user.</summary>
public sealed record MessageSignal(IReadOnlyList<ContentPart> Input) : SignalBody;

/// <summary>Stop the run.</summary>
public sealed record CancelSignal(string By, string? Reason) : SignalBody;

/// <summary>An answer to a question of the run.</summary>
public sealed record AnswerSignal(string Question, Answer Answer, string By, string? Result, string? Note) : SignalBody;

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
