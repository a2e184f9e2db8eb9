using Steward.Storage;

namespace Steward.Client.Contract;

/// <summary>What somebody, or something that happened, says about a run.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Run">The run.</param>
/// <param name="Turn">The turn whose message is meant; null for the whole run.</param>
/// <param name="Kind">Its kind, such as <c>explicit</c>.</param>
/// <param name="Score">From 0 (useless) to 1 (perfect).</param>
/// <param name="Comment">In words.</param>
/// <param name="By">Who gave it.</param>
/// <param name="At">When.</param>
public sealed record FeedbackDocument(string Id, string Run, int? Turn, string Kind, double? Score, string? Comment, string By, string At)
{
    /// <summary>Feedback on a run.</summary>
    public static FeedbackDocument Of(Feedback feedback)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        return new(
            feedback.Id,
            feedback.Run.ToString(),
            feedback.Turn,
            Wire.Word(feedback.Kind),
            feedback.Score,
            feedback.Comment,
            feedback.By,
            Wire.Time(feedback.At));
    }
}

/// <summary>Feedback, newest first.</summary>
/// <param name="Feedback">The feedback.</param>
public sealed record FeedbackList(IReadOnlyList<FeedbackDocument> Feedback);
