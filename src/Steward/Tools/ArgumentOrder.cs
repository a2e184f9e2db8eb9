using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Json;

namespace Steward.Tools;

/// <summary>Puts arguments into the order of their schema, so that people read them in the same order at every call. Pure.</summary>
internal static class ArgumentOrder
{
    private static readonly JsonWriterOptions s_options = new() { MaxDepth = 1_000, SkipValidation = true };

    /// <summary>The same arguments in the schema's order; what it does not name comes last, as it was written.</summary>
    public static JsonElement? Of(JsonElement? arguments, JsonElement schema)
    {
        if (arguments is not { ValueKind: JsonValueKind.Object } given || IsInOrder(given, schema))
            return arguments;
        try
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer, s_options))
                Write(writer, given, schema);
            return JsonElement.Parse(buffer.WrittenSpan);
        }
        catch (InvalidOperationException)
        {
            return arguments; // A name with an unpaired surrogate cannot be written again.
        }
    }

    /// <summary>The properties of an object; of equal names the last, which is the one that counts.</summary>
    public static IEnumerable<JsonProperty> LastOfEachName(JsonElement value)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        return value.EnumerateObject().Reverse().Where(p => seen.Add(ArgumentText.NameOf(p))).Reverse();
    }

    private static bool IsInOrder(JsonElement value, JsonElement schema) => value.ValueKind switch
    {
        JsonValueKind.Object => Ordered(value, schema).SequenceEqual(value.EnumerateObject().Select(p => p.Name), StringComparer.Ordinal)
            && value.EnumerateObject().All(p => IsInOrder(p.Value, Property(schema, p.Name))),
        JsonValueKind.Array => value.EnumerateArray().All(item => IsInOrder(item, Member(schema, "items"))),
        _ => true,
    };

    private static void Write(Utf8JsonWriter writer, JsonElement value, JsonElement schema)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (string name in Ordered(value, schema))
                {
                    writer.WritePropertyName(name);
                    Write(writer, value.GetProperty(name), Property(schema, name));
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    Write(writer, item, Member(schema, "items"));
                writer.WriteEndArray();
                break;
            default:
                writer.WriteRawValue(JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
                break;
        }
    }

    private static IEnumerable<string> Ordered(JsonElement value, JsonElement schema)
    {
        string[] names = [.. LastOfEachName(value).Select(p => p.Name)];
        string[] known = [.. Member(schema, "properties") is { ValueKind: JsonValueKind.Object } properties
            ? properties.EnumerateObject().Select(p => p.Name)
            : []];
        return names
            .Select(name => (Name: name, Place: Array.IndexOf(known, name)))
            .OrderBy(n => n.Place < 0 ? int.MaxValue : n.Place)
            .Select(n => n.Name);
    }

    private static JsonElement Property(JsonElement schema, string name) => Member(Member(schema, "properties"), name);

    private static JsonElement Member(JsonElement schema, string name) =>
        schema.ValueKind == JsonValueKind.Object && schema.TryGetProperty(name, out JsonElement member) ? member : default;
}
