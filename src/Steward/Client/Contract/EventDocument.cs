using System.Buffers;
using System.Runtime.InteropServices;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;

namespace Steward.Client.Contract;

/// <summary>An entry of a journal.</summary>
/// <param name="Sequence">Its place in the journal, from 1.</param>
/// <param name="Time">When it was written.</param>
/// <param name="Event">Its type, such as <c>tool.returned</c>.</param>
/// <param name="Text">What happened, in words.</param>
/// <param name="Settled">What it cost.</param>
public sealed record EventDocument(
    long Sequence,
    string Time,
    string Event,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] string? Text = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] AmountDocument? Settled = null)
{
    /// <summary>The payload as the journal keeps it, spelled readably; left out when empty.</summary>
    [JsonConverter(typeof(RawJson))]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public ReadOnlyMemory<byte> Data { get; init; }

    /// <summary>An entry without words.</summary>
    /// <param name="entry">The entry.</param>
    /// <param name="content">Whether its payload is told.</param>
    public static EventDocument Of(JournalEntry entry, bool content = true)
    {
        ArgumentNullException.ThrowIfNull(entry);
        return new(entry.Sequence, Wire.Time(entry.Time), entry.Type) { Data = content ? entry.Payload : default };
    }

    /// <summary>JSON that is passed on as it is; only escapes that the document does not need are written as letters.</summary>
    internal sealed class RawJson : JsonConverter<ReadOnlyMemory<byte>>
    {
        private const int MaxDepth = 1_000;

        public override ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            return JsonMarshal.GetRawUtf8Value(document.RootElement).ToArray();
        }

        public override void Write(Utf8JsonWriter writer, ReadOnlyMemory<byte> value, JsonSerializerOptions options) =>
            writer.WriteRawValue(Respell(value, options.Encoder).Span, skipInputValidation: true);

        private static ReadOnlyMemory<byte> Respell(ReadOnlyMemory<byte> json, JavaScriptEncoder? encoder)
        {
            if (json.Span.IndexOf("\\u"u8) < 0)
                return json;
            try
            {
                using var document = JsonDocument.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });
                var buffer = new ArrayBufferWriter<byte>(json.Length);
                var spelling = new JsonWriterOptions { Encoder = encoder, SkipValidation = true, MaxDepth = MaxDepth };
                using (var writer = new Utf8JsonWriter(buffer, spelling))
                    document.WriteTo(writer);
                return buffer.WrittenMemory;
            }
            catch (Exception e) when (e is InvalidOperationException or JsonException)
            {
                return json; // An unpaired surrogate has no other spelling than its escape.
            }
        }
    }
}
