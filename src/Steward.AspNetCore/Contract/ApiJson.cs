using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.AspNetCore.Http;

namespace Steward.AspNetCore.Contract;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(RunDocument))]
[JsonSerializable(typeof(RunList))]
[JsonSerializable(typeof(AgentList))]
[JsonSerializable(typeof(SentDocument))]
[JsonSerializable(typeof(FeedbackDocument))]
[JsonSerializable(typeof(FeedbackList))]
[JsonSerializable(typeof(QuestionDocument))]
[JsonSerializable(typeof(QuestionList))]
[JsonSerializable(typeof(DecisionDocument))]
[JsonSerializable(typeof(SwitchDocument))]
[JsonSerializable(typeof(SwitchList))]
[JsonSerializable(typeof(ReadinessDocument))]
[JsonSerializable(typeof(Problem))]
internal sealed partial class ApiJson : JsonSerializerContext;

/// <summary>The API's JSON with quotes and letters readable: an answer is JSON by its content type, and never part of a page.</summary>
internal static class ReadableJson
{
    public static ApiJson Types { get; } = new(new JsonSerializerOptions(ApiJson.Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
}
