using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>Writes content as the GenAI conventions want it, redacted; writes nothing where none is wanted.</summary>
/// <remarks>Opaque data of providers, signatures and protected reasoning are no content for anybody else: they are never written.</remarks>
internal sealed class ContentWriter(TracingOptions options)
{
    private static readonly JsonWriterOptions s_json = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly LinkedList<string> _conversation = new();
    private int _length;

    public bool IsWanted => options.Content;

    /// <summary>A text, redacted and cut; null where no content is wanted.</summary>
    public string? Text(string? text) => !IsWanted || text is null ? null : Cut(Redacted(text));

    /// <summary>JSON whose strings are redacted; null where no content is wanted.</summary>
    public string? Json(JsonElement? value) => !IsWanted || value is not { } json ? null : Cut(Write(w => WriteValue(w, json)));

    /// <summary>A conversation of one message.</summary>
    public string? Single(string role, IReadOnlyList<ContentPart> parts) => IsWanted ? Cut($"[{Message(role, parts)}]") : null;

    /// <summary>What a model answered.</summary>
    public string? Output(IReadOnlyList<ContentPart> parts, string? finish) => IsWanted ? Cut($"[{Message("assistant", parts, finish ?? "stop")}]") : null;

    /// <summary>Adds to what the next requests show.</summary>
    public void Say(string role, IReadOnlyList<ContentPart> parts)
    {
        if (IsWanted)
            Say(Message(role, parts));
    }

    /// <summary>Adds a tool's result to what the next requests show.</summary>
    public void SayResult(string? call, string result)
    {
        if (!IsWanted)
            return;
        Say(Write(w =>
        {
            w.WriteStartObject();
            w.WriteString("role", "tool");
            w.WriteStartArray("parts");
            w.WriteStartObject();
            w.WriteString("type", "tool_call_response");
            w.WriteString("id", call);
            w.WriteString("response", Redacted(result));
            w.WriteEndObject();
            w.WriteEndArray();
            w.WriteEndObject();
        }));
    }

    /// <summary>The conversation so far; the oldest messages are left out where it is long.</summary>
    public string? Conversation() => IsWanted ? $"[{string.Join(',', _conversation)}]" : null;

    private void Say(string message)
    {
        _conversation.AddLast(message);
        _length += message.Length + 1;
        while (_length > options.MaxContent && _conversation.First is { } oldest)
        {
            _length -= oldest.Value.Length + 1;
            _conversation.RemoveFirst();
        }
    }

    private string Message(string role, IReadOnlyList<ContentPart> parts, string? finish = null) => Write(w =>
    {
        w.WriteStartObject();
        w.WriteString("role", role);
        w.WriteStartArray("parts");
        foreach (ContentPart part in parts)
            WritePart(w, part);
        w.WriteEndArray();
        if (finish is not null)
            w.WriteString("finish_reason", finish);
        w.WriteEndObject();
    });

    private void WritePart(Utf8JsonWriter w, ContentPart part)
    {
        if (part is OpaquePart or ReasoningPart { Text: null })
            return;
        w.WriteStartObject();
        switch (part)
        {
            case TextPart text:
                w.WriteString("type", "text");
                w.WriteString("content", Redacted(text.Text));
                break;
            case ReasoningPart reasoning:
                w.WriteString("type", "reasoning");
                w.WriteString("content", Redacted(reasoning.Text!));
                break;
            case CallPart call:
                w.WriteString("type", "tool_call");
                w.WriteString("id", call.Id);
                w.WriteString("name", call.Name);
                if (call.Arguments is { } arguments)
                {
                    w.WritePropertyName("arguments");
                    WriteValue(w, arguments);
                }

                break;
            case DataPart data:
                w.WriteString("type", "blob");
                w.WriteString("mime_type", data.MediaType);
                w.WriteString("modality", data.MediaType.Split('/')[0]);
                w.WriteString("content", ""); // Its size is said instead: bytes are not for a trace.
                w.WriteNumber("length", data.Data.Length);
                break;
            case UriPart uri:
                w.WriteString("type", "uri");
                w.WriteString("mime_type", uri.MediaType);
                w.WriteString("modality", uri.MediaType.Split('/')[0]);
                w.WriteString("uri", Redacted(uri.Uri.ToString()));
                break;
        }

        w.WriteEndObject();
    }

    private void WriteValue(Utf8JsonWriter w, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                w.WriteStartObject();
                foreach (JsonProperty property in value.EnumerateObject())
                {
                    w.WritePropertyName(property.Name);
                    WriteValue(w, property.Value);
                }

                w.WriteEndObject();
                break;
            case JsonValueKind.Array:
                w.WriteStartArray();
                foreach (JsonElement item in value.EnumerateArray())
                    WriteValue(w, item);
                w.WriteEndArray();
                break;
            case JsonValueKind.String:
                w.WriteStringValue(Redacted(value.GetString()!));
                break;
            default:
                value.WriteTo(w);
                break;
        }
    }

    private string Redacted(string text)
    {
        foreach (Regex pattern in options.Redactions)
            text = pattern.Replace(text, "[redacted]");
        return options.Redact is { } redact ? redact(text) : text;
    }

    private string Cut(string text) => text.Length <= options.MaxContent ? text : $"{text[..(options.MaxContent - 1)]}…";

    private static string Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, s_json))
            write(writer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
