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
