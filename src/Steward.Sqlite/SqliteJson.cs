using System.Text.Json.Serialization;
using Steward.Storage;

namespace Steward.Sqlite;

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    AllowOutOfOrderMetadataProperties = true)]
[JsonSerializable(typeof(SignalBody))]
internal sealed partial class SqliteJson : JsonSerializerContext;
