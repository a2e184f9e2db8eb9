using Steward.Storage;

namespace Steward.AspNetCore.Contract;

/// <summary>What somebody, or something that happened, says about a run.</summary>
internal sealed record FeedbackDocument(string Id, string Run, int? Turn, string Kind, double? Score, string? Comment, string By, string At)
{
    public static FeedbackDocument Of(Feedback f) => new(f.Id, f.Run.ToString(), f.Turn, Wire.Word(f.Kind), f.Score, f.Comment, f.By, Wire.Time(f.At));
}

/// <summary>Feedback, newest first.</summary>
internal sealed record FeedbackList(IReadOnlyList<FeedbackDocument> Feedback);
