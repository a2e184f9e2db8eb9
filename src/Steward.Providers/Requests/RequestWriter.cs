using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>Writes the requests of one wire. Each message is written once and its bytes are kept with it, so a turn writes what is new and
/// sends the rest again.</summary>
/// <remarks>What never changes stands before the messages, and what changes from turn to turn behind them. The beginning of a request is
/// therefore byte for byte that of the one before.</remarks>
internal abstract class RequestWriter(Endpoint endpoint)
{
    private readonly ConditionalWeakTable<ChatMessage, WrittenMessage> _messages = [];
    private WrittenTools? _tools;

    protected Endpoint Endpoint { get; } = endpoint;

    /// <summary>The body of a request.</summary>
    /// <exception cref="ModelException">It holds what this wire has no place for.</exception>
    public RequestBody Write(IEnumerable<ChatMessage> messages, ChatOptions? options, bool stream)
    {
        IReadOnlyList<ChatMessage> list = messages as IReadOnlyList<ChatMessage> ?? [.. messages];
        List<ReadOnlyMemory<byte>> segments = new(list.Count * 2 + 16) { Bytes(writer => WriteHead(writer, options)) };
        if (options?.Tools is { Count: > 0 } tools)
            segments.Add(Tools(tools));
        AddMessages(segments, list, options);
        segments.Add(Bytes(writer => WriteTail(writer, options, stream)));
        return new RequestBody(segments);
    }

    /// <summary>Writes what stands before the tools: from the opening brace, with a comma at its end.</summary>
    protected abstract void WriteHead(Fragment fragment, ChatOptions? options);

    /// <summary>Writes a tool.</summary>
    protected abstract void WriteTool(Utf8JsonWriter writer, AIFunctionDeclaration tool, bool isLast);

    /// <summary>Adds the messages, with the property that they are the value of.</summary>
    protected abstract void AddMessages(List<ReadOnlyMemory<byte>> segments, IReadOnlyList<ChatMessage> messages, ChatOptions? options);

    /// <summary>Writes what stands behind the messages: each field with a comma before it, and the closing brace.</summary>
    protected abstract void WriteTail(Fragment fragment, ChatOptions? options, bool stream);

    /// <summary>Writes a message; nothing where nothing of it can be sent.</summary>
    protected abstract void WriteMessage(MessageWriter writer, ChatMessage message, Func<string, string> idOf);

    /// <summary>A message's bytes, written now or before; the ids of its calls for the results behind it.</summary>
    protected WrittenMessage Written(ChatMessage message, ref IReadOnlyDictionary<string, string>? ids)
    {
        if (!(_messages.TryGetValue(message, out WrittenMessage? written) && written.IsOf(message, ids)))
        {
            var buffer = new ArrayBufferWriter<byte>(512);
            using var json = new Utf8JsonWriter(buffer, WrittenJson.Writing);
            var writer = new MessageWriter(json);
            IReadOnlyDictionary<string, string>? known = ids;
            WriteMessage(writer, message, id => known?.GetValueOrDefault(id) ?? WireText.Mend(id));
            json.Flush();
            written = new WrittenMessage(message, buffer.WrittenSpan.ToArray(), writer.Mark, ids, IdsOf(message));
            _messages.AddOrUpdate(message, written);
        }

        if (message.Role == ChatRole.Assistant)
            ids = written.Ids;
        return written;
    }

    protected ModelException Refused(string what) => Endpoint.Wire.Error(
        ModelFailure.InvalidRequest, $"the request holds {what}, which this wire has no place for, so nothing was sent.", notBilled: true);

    /// <summary>The opaque data of a content, if it came from here; null otherwise.</summary>
    protected string? Own(AIContent content) =>
        OpaqueContent.Of(content) is { Data: { } data } opaque && opaque.Origin == Endpoint.Origin ? data : null;

    /// <summary>What a content is, for an error.</summary>
    protected static string Describe(AIContent content) => content switch
    {
        DataContent data => $"an attachment of the type '{data.MediaType}'",
        UriContent uri => $"a reference to content of the type '{uri.MediaType}'",
        _ => $"content of the kind {content.GetType().Name}",
    };

    /// <summary>What the model said is text, reasoning, calls and opaque data; anything else would be dropped in silence.</summary>
    protected void RefuseUnknown(IEnumerable<AIContent> contents)
    {
        foreach (AIContent content in contents)
        {
            bool isKnown = content is TextContent or TextReasoningContent or FunctionCallContent or FunctionResultContent or OpaqueContent
                or UsageContent or ErrorContent;
            if (!isKnown)
                throw Refused($"{Describe(content)} in a message of the model's");
        }
    }

    protected static byte[] Bytes(Action<Fragment> write)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using var json = new Utf8JsonWriter(buffer, WrittenJson.Writing);
        write(new Fragment(json, buffer));
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private ReadOnlyMemory<byte> Tools(IList<AITool> tools)
    {
        if (_tools is { } known && known.Tools.AsSpan().SequenceEqual([.. tools]))
            return known.Bytes;
        byte[] bytes = Bytes(fragment =>
        {
            fragment.Raw("\"tools\":"u8);
            fragment.Json.WriteStartArray();
            for (int i = 0; i < tools.Count; i++)
            {
                AIFunctionDeclaration tool = tools[i] as AIFunctionDeclaration
                    ?? throw Refused($"the tool '{tools[i].Name}' of the type {tools[i].GetType().Name}");
                WriteTool(fragment.Json, tool, isLast: i == tools.Count - 1);
            }

            fragment.Json.WriteEndArray();
            fragment.Raw(","u8);
        });
        _tools = new WrittenTools([.. tools], bytes);
        return bytes;
    }

    /// <summary>Ids that are written otherwise than they are; null when there are none.</summary>
    private Dictionary<string, string>? IdsOf(ChatMessage message)
    {
        Dictionary<string, string>? ids = null;
        foreach (AIContent content in message.Contents)
        {
            if (content is FunctionCallContent call && CallIds.Of(call, Endpoint) is var id && id != call.CallId)
                (ids ??= [])[call.CallId] = id;
        }

        return ids;
    }

    private sealed record WrittenTools(AITool[] Tools, byte[] Bytes);
}

/// <summary>A piece of a request's JSON that need not be a whole value.</summary>
internal readonly struct Fragment(Utf8JsonWriter json, ArrayBufferWriter<byte> buffer)
{
    public Utf8JsonWriter Json { get; } = json;

    /// <summary>Bytes as they are, between two values.</summary>
    public void Raw(ReadOnlySpan<byte> bytes)
    {
        Json.Flush();
        buffer.Write(bytes);
        Json.Reset(buffer);
    }

    /// <summary>A field with a comma before it.</summary>
    public void Field(ReadOnlySpan<byte> name, Action<Utf8JsonWriter> write)
    {
        Raw(",\""u8);
        Raw(name);
        Raw("\":"u8);
        write(Json);
        Json.Flush();
    }
}

/// <summary>Writes one message, and remembers where a mark of the prompt cache could go.</summary>
internal sealed class MessageWriter(Utf8JsonWriter json)
{
    public Utf8JsonWriter Json { get; } = json;

    /// <summary>The place just before the end of the last block that may bear a mark; -1 when there is none.</summary>
    public int Mark { get; private set; } = -1;

    /// <summary>A block that may bear a mark has just been ended.</summary>
    public void EndBlock()
    {
        Json.WriteEndObject();
        Json.Flush();
        Mark = (int)Json.BytesCommitted - 1;
    }
}

/// <summary>A message's bytes.</summary>
internal sealed class WrittenMessage(
    ChatMessage message, byte[] bytes, int mark, IReadOnlyDictionary<string, string>? idsBefore, IReadOnlyDictionary<string, string>? ids)
{
    // A caller of its own may change a message after it was sent. Contents are compared by identity, and each by that of what it carries.
    private readonly object?[] _print = Print(message);

    public byte[] Bytes { get; } = bytes;

    public int Mark { get; } = mark;

    /// <summary>Ids of its calls that are written otherwise than they are.</summary>
    public IReadOnlyDictionary<string, string>? Ids { get; } = ids;

    public bool IsOf(ChatMessage message, IReadOnlyDictionary<string, string>? before)
    {
        if (message.Role == ChatRole.Tool && !ReferenceEquals(before, idsBefore))
            return false;
        IList<AIContent> contents = message.Contents;
        if (contents.Count * 2 != _print.Length)
            return false;
        for (int i = 0; i < contents.Count; i++)
        {
            if (!ReferenceEquals(contents[i], _print[2 * i]) || !ReferenceEquals(Carried(contents[i]), _print[2 * i + 1]))
                return false;
        }

        return true;
    }

    private static object?[] Print(ChatMessage message)
    {
        var print = new object?[message.Contents.Count * 2];
        for (int i = 0; i < message.Contents.Count; i++)
            (print[2 * i], print[2 * i + 1]) = (message.Contents[i], Carried(message.Contents[i]));
        return print;
    }

    private static object? Carried(AIContent content) => content switch
    {
        TextContent text => text.Text,
        TextReasoningContent reasoning => reasoning.Text,
        FunctionCallContent call => call.Arguments,
        FunctionResultContent result => result.Result,
        _ => null,
    };
}
