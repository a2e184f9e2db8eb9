using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Mvc;
using Steward.Client.Contract;

namespace Steward.AspNetCore.Contract;

/// <summary>The JSON of what the API alone writes; <see cref="ContractJson"/> has the documents that it shares with the commands.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AgentList))]
[JsonSerializable(typeof(SentDocument))]
[JsonSerializable(typeof(BlobDocument))]
[JsonSerializable(typeof(ApprovalList))]
[JsonSerializable(typeof(DecisionDocument))]
[JsonSerializable(typeof(TextDocument))]
[JsonSerializable(typeof(DroppedDocument))]
[JsonSerializable(typeof(ReadinessDocument))]
[JsonSerializable(typeof(ProblemDetails))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class ApiJson : JsonSerializerContext
{
    /// <summary>With quotes and letters readable, as <see cref="ContractJson.Compact{T}"/>.</summary>
    public static ApiJson Readable { get; } = new(new JsonSerializerOptions(ContractJson.Compact<RunDocument>().Options));
}
