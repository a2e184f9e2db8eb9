using System.Text.Json;
using Steward.Runs;

namespace Steward.Storage;

/// <summary>How stores keep what is not an event: the same JSON in every database.</summary>
public static class StoreJson
{
    /// <summary>Writes a signal's body.</summary>
    public static byte[] Write(SignalBody body) => JsonSerializer.SerializeToUtf8Bytes(body, StewardJson.Default.SignalBody);

    /// <summary>Writes a question.</summary>
    public static byte[] Write(QuestionInfo question) => JsonSerializer.SerializeToUtf8Bytes(question, StewardJson.Default.QuestionInfo);

    /// <summary>Writes feedback.</summary>
    public static byte[] Write(Feedback feedback) => JsonSerializer.SerializeToUtf8Bytes(feedback, StewardJson.Default.Feedback);

    /// <summary>Reads a signal's body.</summary>
    public static SignalBody ReadSignal(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StewardJson.Default.SignalBody)!;

    /// <summary>Reads a question.</summary>
    public static QuestionInfo ReadQuestion(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StewardJson.Default.QuestionInfo)!;

    /// <summary>Reads feedback.</summary>
    public static Feedback ReadFeedback(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StewardJson.Default.Feedback)!;
}
