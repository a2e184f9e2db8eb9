using System.Buffers;
using System.Globalization;
using System.Text.Json;

namespace Steward.Tools;

/// <summary>Rewrites numbers such as <c>3.0</c> and <c>1e2</c>, which are integers by their value, as integers are written.</summary>
internal static class IntegralNumbers
{
    /// <summary>The element with its whole numbers written as integers; null when it holds none that is written otherwise.</summary>
    public static JsonElement? Plain(JsonElement element)
    {
        var buffer = new ArrayBufferWriter<byte>();
        bool changed = false;
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true, MaxDepth = 1_000 }))
            Write(writer, element, ref changed);
        return changed ? JsonElement.Parse(buffer.WrittenSpan) : null;
    }

    private static void Write(Utf8JsonWriter writer, JsonElement element, ref bool changed)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (JsonProperty property in element.EnumerateObject())
                {
                    writer.WritePropertyName(property.Name);
                    Write(writer, property.Value, ref changed);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in element.EnumerateArray())
                    Write(writer, item, ref changed);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number when Whole(element) is { } whole:
                changed = true;
                writer.WriteRawValue(whole.ToString("0", CultureInfo.InvariantCulture));
                break;
            default:
                element.WriteTo(writer);
                break;
        }
    }

    private static decimal? Whole(JsonElement number) =>
        number.GetRawText().AsSpan().IndexOfAny(".eE") >= 0 && number.TryGetDecimal(out decimal value) && value == decimal.Truncate(value)
            ? value
            : null;
}
