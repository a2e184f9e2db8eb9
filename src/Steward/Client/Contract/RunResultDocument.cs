using Steward.Journal;
using Steward.State;

namespace Steward.Client.Contract;

/// <summary>How a run stands or ended, from its journal.</summary>
public sealed record RunResultDocument
{
    /// <summary>Its id.</summary>
    public required string Run { get; init; }

    /// <summary>Where it stands, such as <c>completed</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Why it stands there.</summary>
    public required string Reason { get; init; }

    /// <summary>The answer of a completed run; of one that failed or was cancelled, what there is of one.</summary>
    public string? Output { get; init; }

    /// <summary>What went wrong, and the remedy; who cancelled it, and why; or which models it waits for, why, and until when.</summary>
    public string? Message { get; init; }

    /// <summary>Which validators proved it, with their evidence; empty unless it is completed.</summary>
    public required IReadOnlyList<string> ProvedBy { get; init; }

    /// <summary>What it asks people.</summary>
    public required IReadOnlyList<AskedDocument> Questions { get; init; }

    /// <summary>What it has spent, without its children.</summary>
    public required AmountDocument Spent { get; init; }

    /// <summary>The ceilings that it was started with.</summary>
    public required CeilingsDocument Ceilings { get; init; }

    /// <summary>Turns of its conversation.</summary>
    public required int Turns { get; init; }

    /// <param name="state">The run's state.</param>
    /// <param name="content">False leaves out the output and, of each proof, all but the validator's name.</param>
    public static RunResultDocument Of(RunState state, bool content = true)
    {
        ArgumentNullException.ThrowIfNull(state);
        return new()
        {
            Run = state.Run.ToString(),
            Status = state.Status.Name(),
            Reason = state.Reason,
            Output = content ? RunResult.OutputOf(state.Outcome) : null,
            Message = MessageOf(state),
            ProvedBy = [.. ((state.Outcome as RunCompleted)?.ProvedBy ?? []).Select(p => content ? p : p.Split(':')[0])],
            Questions = [.. state.Questions.Select(AskedDocument.Of)],
            Spent = AmountDocument.Of(state.Spent),
            Ceilings = CeilingsDocument.Of(state.Started.Ceilings),
            Turns = state.Turn,
        };
    }

    private static string? MessageOf(RunState state) => state.Outcome switch
    {
        RunFailed failed => failed.Message,
        null when state is { Status: RunStatus.Awaiting, Reason: Reasons.ModelUnavailable } => state.Outage?.Why,
        RunCancelled cancelled => $"cancelled by {cancelled.By}{(cancelled.Reason is null ? "" : $": {cancelled.Reason}")}",
        _ => null,
    };
}

/// <summary>A question as the journal has it.</summary>
/// <param name="Id">Its id within the run.</param>
/// <param name="Kind">Its kind, such as <c>approval</c>.</param>
/// <param name="Text">What is asked.</param>
public sealed record AskedDocument(string Id, string Kind, string Text)
{
    /// <summary>A question as the journal has it.</summary>
    public static AskedDocument Of(QuestionAsked question)
    {
        ArgumentNullException.ThrowIfNull(question);
        return new(question.Id, Wire.Word(question.Kind), question.Text);
    }
}
