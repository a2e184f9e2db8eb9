using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Steward.Client.Contract;

/// <summary>The documents' JSON, with names in snake_case: source-generated, so it needs no reflection.</summary>
/// <remarks>Letters of every script are readable; what hides or reorders text is escaped. Quotes and angle brackets stay, so it must not be
/// put into a page of HTML as it is.</remarks>
public static class ContractJson
{
    private static readonly DocumentJson s_compact = With(JsonIgnoreCondition.WhenWritingNull);
    private static readonly DocumentJson s_complete = With(JsonIgnoreCondition.Never);

    /// <summary>A document without the values that are null, as the HTTP API writes it.</summary>
    /// <typeparam name="T">A document of this namespace, or a list of them.</typeparam>
    /// <exception cref="NotSupportedException">It is none.</exception>
    public static JsonTypeInfo<T> Compact<T>() => (JsonTypeInfo<T>)s_compact.Options.GetTypeInfo(typeof(T));

    /// <summary>A document with null for each value that there is none of, as the commands' <c>--json</c> writes it.</summary>
    /// <typeparam name="T">A document of this namespace, or a list of them.</typeparam>
    /// <exception cref="NotSupportedException">It is none.</exception>
    public static JsonTypeInfo<T> Complete<T>() => (JsonTypeInfo<T>)s_complete.Options.GetTypeInfo(typeof(T));

    /// <summary>How the documents spell text, for documents of a host's own.</summary>
    public static JavaScriptEncoder Encoder => ReadableJsonEncoder.Instance;

    private static DocumentJson With(JsonIgnoreCondition nulls) => new(new JsonSerializerOptions
    {
        MaxDepth = 256,
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = nulls,
        Encoder = ReadableJsonEncoder.Instance,
    });
}

[JsonSerializable(typeof(RunDocument))]
[JsonSerializable(typeof(RunList))]
[JsonSerializable(typeof(RunResultDocument))]
[JsonSerializable(typeof(EventDocument))]
[JsonSerializable(typeof(QuestionDocument))]
[JsonSerializable(typeof(AskedDocument))]
[JsonSerializable(typeof(FeedbackList))]
[JsonSerializable(typeof(SwitchList))]
[JsonSerializable(typeof(SwitchChange))]
[JsonSerializable(typeof(BudgetList))]
internal sealed partial class DocumentJson : JsonSerializerContext;
