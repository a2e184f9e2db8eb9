using System.Collections.ObjectModel;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>How stores keep what is not an event: the same JSON in every database.</summary>
public static class StoreJson
{
    /// <summary>Writes a signal's body.</summary>
    public static byte[] Write(SignalBody body) => JsonSerializer.SerializeToUtf8Bytes(body, StoredJson.Default.SignalBody);

    /// <summary>Writes a question.</summary>
    public static byte[] Write(QuestionInfo question) => JsonSerializer.SerializeToUtf8Bytes(question, StoredJson.Default.QuestionInfo);

    /// <summary>Writes feedback.</summary>
    public static byte[] Write(Feedback feedback) => JsonSerializer.SerializeToUtf8Bytes(feedback, StoredJson.Default.Feedback);

    /// <summary>Writes labels; null when there are none.</summary>
    public static string? Write(IReadOnlyDictionary<string, string>? labels) =>
        labels is { Count: > 0 } ? JsonSerializer.Serialize(labels, StoredJson.Default.IReadOnlyDictionaryStringString) : null;

    /// <summary>Reads a signal's body.</summary>
    public static SignalBody ReadSignal(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StoredJson.Default.SignalBody)!;

    /// <summary>Reads a question.</summary>
    public static QuestionInfo ReadQuestion(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StoredJson.Default.QuestionInfo)!;

    /// <summary>Reads feedback.</summary>
    public static Feedback ReadFeedback(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, StoredJson.Default.Feedback)!;

    /// <summary>Reads labels, in the order of their names; null is read as none.</summary>
    public static IReadOnlyDictionary<string, string> ReadLabels(string? json) => json is null
        ? ReadOnlyDictionary<string, string>.Empty
        : new SortedDictionary<string, string>(
            JsonSerializer.Deserialize(json, StoredJson.Default.DictionaryStringString)!,
            StringComparer.Ordinal);
}

[JsonSourceGenerationOptions(
    MaxDepth = 256,
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(SignalBody))]
[JsonSerializable(typeof(QuestionInfo))]
[JsonSerializable(typeof(Feedback))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, string>))]
[JsonSerializable(typeof(Dictionary<string, string>))]
internal sealed partial class StoredJson : JsonSerializerContext;
