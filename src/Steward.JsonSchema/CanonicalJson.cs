using System.Buffers;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Steward.JsonSchemas;

/// <summary>Writes equal JSON values as equal bytes, so that a hash of them identifies the value.</summary>
/// <remarks>
/// Names are sorted by ordinal, and the last of equal names counts. There is no white space. A number has one spelling whatever
/// its notation, with no loss of digits. Text with an unpaired surrogate has no canonical form and stays as it was written.
/// </remarks>
public static class CanonicalJson
{
    private static readonly JsonWriterOptions s_options = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        SkipValidation = true,
        MaxDepth = 1_000,
    };

    /// <summary>The canonical UTF-8 bytes of a value.</summary>
    /// <param name="value">Any JSON value.</param>
    public static byte[] Write(JsonElement value) => Buffer(value).WrittenSpan.ToArray();

    /// <summary>The SHA-256 of the canonical bytes, in lower-case hexadecimal.</summary>
    /// <param name="value">Any JSON value.</param>
    public static string Sha256Hex(JsonElement value) => Convert.ToHexStringLower(SHA256.HashData(Buffer(value).WrittenSpan));

    private static ArrayBufferWriter<byte> Buffer(JsonElement value)
    {
        ArrayBufferWriter<byte> buffer = new(256);
        using Utf8JsonWriter writer = new(buffer, s_options);
        Write(writer, value);
        writer.Flush();
        return buffer;
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                WriteObject(writer, value);
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    Write(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.Number:
                WriteNumber(writer, JsonMarshal.GetRawUtf8Value(value));
                break;
            case JsonValueKind.String:
                WriteString(writer, value);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    private static void WriteObject(Utf8JsonWriter writer, JsonElement value)
    {
        writer.WriteStartObject();
        foreach ((string name, JsonElement member) in LastOfEachName(value))
        {
            writer.WritePropertyName(name);
            Write(writer, member);
        }

        writer.WriteEndObject();
    }

    private static List<KeyValuePair<string, JsonElement>> LastOfEachName(JsonElement value)
    {
        Dictionary<string, JsonElement> members = new(value.GetPropertyCount(), StringComparer.Ordinal);
        foreach (JsonProperty member in value.EnumerateObject())
            members[NameOf(member)] = member.Value;

        List<KeyValuePair<string, JsonElement>> sorted = members.ToList();
        sorted.Sort(static (a, b) => string.CompareOrdinal(a.Key, b.Key));
        return sorted;
    }

    private static string NameOf(JsonProperty member)
    {
        try
        {
            return member.Name;
        }
        catch (InvalidOperationException)
        {
            return Encoding.UTF8.GetString(JsonMarshal.GetRawUtf8PropertyName(member));
        }
    }

    private static void WriteNumber(Utf8JsonWriter writer, ReadOnlySpan<byte> raw)
    {
        if (raw.Length < 20 && raw.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
            writer.WriteRawValue(raw, skipInputValidation: true);
        else
            writer.WriteRawValue(JsonNumber.Parse(raw).ToCanonical(), skipInputValidation: true);
    }

    private static void WriteString(Utf8JsonWriter writer, JsonElement value)
    {
        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(value);
        try
        {
            if (raw.Contains((byte)'\\'))
                writer.WriteStringValue(value.GetString());
            else
                writer.WriteStringValue(raw[1..^1]);
        }
        catch (InvalidOperationException)
        {
            writer.WriteRawValue(raw, skipInputValidation: true);
        }
    }
}
