using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Providers;

/// <summary>How both wires write: compact, letters of all languages as themselves, what came verbatim verbatim.</summary>
internal static class WrittenJson
{
    /// <summary>What stands for a result without a word, which several providers refuse.</summary>
    public const string EmptyResult = "(empty result)";

    private const int MaxDepth = 1_000;

    private static readonly JsonSerializerOptions s_values = Compact();

    public static JsonWriterOptions Writing { get; } =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = MaxDepth, SkipValidation = true };

    /// <summary>Writes text; half a surrogate pair becomes U+FFFD.</summary>
    public static void WriteText(this Utf8JsonWriter writer, string name, string text) => writer.WriteString(name, WireText.Mend(text));

    /// <summary>A call's arguments: the text as it came where that is known, and compact JSON where it is not.</summary>
    public static string Arguments(FunctionCallContent call)
    {
        if (call.Exception is null && call.AdditionalProperties?.TryGetValue(OpaqueContent.RawArguments, out string? raw) == true
            && !string.IsNullOrWhiteSpace(raw))
        {
            return raw;
        }

        if (call.Arguments is not { Count: > 0 } arguments)
            return "{}";
        var buffer = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            writer.WriteStartObject();
            foreach ((string name, object? value) in arguments)
            {
                writer.WritePropertyName(WireText.Mend(name));
                if (value is JsonElement element)
                    writer.WriteRawValue(WireText.MendJson(element.GetRawText()), skipInputValidation: true);
                else
                    WriteValue(writer, value);
            }

            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>The text of a tool result.</summary>
    public static string Result(FunctionResultContent result)
    {
        string text = result.Result switch
        {
            null => result.Exception is null ? "" : "The call failed.",
            string plain => plain,
            TextContent content => content.Text,
            JsonElement { ValueKind: JsonValueKind.String } element => WireText.Of(element)!,
            JsonElement element => element.GetRawText(),
            IEnumerable<AIContent> contents when contents.All(c => c is TextContent) =>
                string.Concat(contents.Cast<TextContent>().Select(c => c.Text)),
            { } value => JsonSerializer.Serialize(value, s_values.GetTypeInfo(value.GetType())),
        };
        return string.IsNullOrWhiteSpace(text) ? EmptyResult : text;
    }

    /// <summary>Writes the fields of an object that was kept as text.</summary>
    public static void WriteFields(Utf8JsonWriter writer, string json, string? except = null)
    {
        using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (property.Name == except)
                continue;
            writer.WritePropertyName(property.Name);
            writer.WriteRawValue(WireText.Raw(property.Value), skipInputValidation: true);
        }
    }

    /// <summary>Writes a value of any kind that the caller gave.</summary>
    public static void WriteValue(Utf8JsonWriter writer, object? value)
    {
        if (value is null)
            writer.WriteNullValue();
        else if (value is JsonElement element)
            writer.WriteRawValue(element.GetRawText(), skipInputValidation: true);
        else
            JsonSerializer.Serialize(writer, value, s_values.GetTypeInfo(value.GetType()));
    }

    /// <summary>A tool's schema: an object's, as both wires want it.</summary>
    public static void WriteSchema(Utf8JsonWriter writer, JsonElement schema)
    {
        if (schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty("type", out _))
        {
            writer.WriteRawValue(schema.GetRawText(), skipInputValidation: true);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("type", "object");
        if (schema.ValueKind != JsonValueKind.Object || !schema.TryGetProperty("properties", out _))
            writer.WriteRaw("properties", "{}");
        if (schema.ValueKind == JsonValueKind.Object)
            WriteFields(writer, schema.GetRawText());
        writer.WriteEndObject();
    }

    public static void WriteRaw(this Utf8JsonWriter writer, string name, string json)
    {
        writer.WritePropertyName(name);
        writer.WriteRawValue(json, skipInputValidation: true);
    }

    private static JsonSerializerOptions Compact()
    {
        var options = new JsonSerializerOptions(AIJsonUtilities.DefaultOptions)
        {
            WriteIndented = false,
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            MaxDepth = MaxDepth,
        };
        options.MakeReadOnly();
        return options;
    }
}
