using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Steward.Tools;

/// <summary>Writes numbers such as <c>3.0</c> and <c>1e2</c>, which JSON Schema takes for integers, as integers are written.</summary>
/// <remarks>The value stays the same, so this is right for a number too; and no reader of a tool's arguments has to know of it.</remarks>
internal static class IntegralNumbers
{
    /// <summary>The element with its whole numbers written as integers; the same when it holds none that is written otherwise.</summary>
    public static JsonElement Plain(JsonElement element)
    {
        if (!Any(element))
            return element;
        try
        {
            var buffer = new ArrayBufferWriter<byte>();
            using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true, MaxDepth = 1_000 }))
                Write(writer, element);
            return JsonElement.Parse(buffer.WrittenSpan);
        }
        catch (InvalidOperationException)
        {
            // A name with half a surrogate pair cannot be read; the validation that follows says so.
            return element;
        }
    }

    private static bool Any(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => element.EnumerateObject().Any(p => Any(p.Value)),
        JsonValueKind.Array => element.EnumerateArray().Any(Any),
        JsonValueKind.Number => Whole(element) is not null,
        _ => false,
    };

    private static void Write(Utf8JsonWriter writer, JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in element.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number when Whole(element) is { } whole:
                writer.WriteRawValue(whole.ToString("0", CultureInfo.InvariantCulture));
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    // Zero stays as it is: -0.0 is a number of its own.
    private static decimal? Whole(JsonElement number) =>
        number.GetRawText().AsSpan().IndexOfAny(".eE") >= 0
        && number.TryGetDecimal(out decimal value)
        && value == decimal.Truncate(value)
        && (value != 0 || number.GetRawText()[0] != '-')
            ? value
            : null;
}
