using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>Writes requests of the Messages wire, with the marks of its prompt cache.</summary>
/// <remarks>
/// Anthropic caches a prompt up to each block that carries cache_control, at most four of them. Three of ours are the ends of the stable
/// parts (tools, system,
/// newest user message). The fourth is the newest user message of the call before. The provider looks back only 20 blocks for an earlier
/// entry, and one round of parallel tool calls can be longer than that.
/// </remarks>
internal sealed class MessagesWriter(Endpoint endpoint) : RequestWriter(endpoint)
{
    // The wire insists on a limit.
    private const int DefaultMaxTokens = 4_096;
    private const int MovingMarks = 2;
    private const string RedactedThinking = "\"redacted_thinking\"";

    private static readonly byte[] s_comma = [(byte)','];
    private static readonly byte[] s_mark = ",\"cache_control\":{\"type\":\"ephemeral\"}"u8.ToArray();

    protected override void WriteHead(Fragment fragment, ChatOptions? options)
    {
        fragment.Raw("{\"model\":"u8);
        fragment.Json.WriteStringValue(options?.ModelId ?? Endpoint.Model);
        fragment.Raw(","u8);
    }

    protected override void WriteTool(Utf8JsonWriter writer, AIFunctionDeclaration tool, bool isLast)
    {
        writer.WriteStartObject();
        writer.WriteText("name", tool.Name);
        writer.WriteText("description", tool.Description);
        writer.WritePropertyName("input_schema");
        WrittenJson.WriteSchema(writer, tool.JsonSchema);
        if (isLast && Endpoint.Options.PromptCaching)
            WriteMark(writer);
        writer.WriteEndObject();
    }

    protected override void AddMessages(List<ReadOnlyMemory<byte>> segments, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        AddSystem(segments, messages, options?.Instructions);
        segments.Add("\"messages\":["u8.ToArray());
        List<(WrittenMessage Message, bool IsUser)> written = new(messages.Count);
        IReadOnlyDictionary<string, string>? ids = null;
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role != ChatRole.System && Written(messages[i], ref ids) is { Bytes.Length: > 0 } one)
                written.Add((one, messages[i].Role != ChatRole.Assistant));
        }

        int marks = Endpoint.Options.PromptCaching ? MovingMarks : 0;
        int firstMark = written.Count;
        for (int i = written.Count - 1; i >= 0 && marks > 0; i--)
        {
            if (written[i] is { IsUser: true, Message.Mark: >= 0 })
                (firstMark, marks) = (i, marks - 1);
        }

        for (int i = 0; i < written.Count; i++)
        {
            if (i > 0)
                segments.Add(s_comma);
            AddMessage(segments, written[i].Message, i >= firstMark && written[i].IsUser);
        }

        segments.Add("]"u8.ToArray());
    }

    protected override void WriteTail(Fragment fragment, ChatOptions? options, bool stream)
    {
        fragment.Field("max_tokens"u8, w => w.WriteNumberValue(options?.MaxOutputTokens ?? DefaultMaxTokens));
        if (options?.Temperature is { } temperature)
            fragment.Field("temperature"u8, w => w.WriteNumberValue(temperature));
        if (options?.TopP is { } topP)
            fragment.Field("top_p"u8, w => w.WriteNumberValue(topP));
        if (options?.TopK is { } topK)
            fragment.Field("top_k"u8, w => w.WriteNumberValue(topK));
        if (options?.StopSequences is { Count: > 0 } stops)
            fragment.Field("stop_sequences"u8, w => WrittenJson.WriteValue(w, stops.ToArray()));
        if (options?.ResponseFormat is ChatResponseFormatJson)
            throw Refused("a response format; ask for the shape in words, or set 'output_config' in the provider's Fields");
        if (options?.Tools is { Count: > 0 })
            WriteToolChoice(fragment, options);
        if (stream)
            fragment.Field("stream"u8, w => w.WriteBooleanValue(true));
        foreach ((string name, JsonElement value) in Endpoint.Options.Fields)
            fragment.Field(Encoding.UTF8.GetBytes(name), w => WrittenJson.WriteValue(w, value));
        fragment.Raw("}"u8);
    }

    protected override void WriteMessage(MessageWriter writer, ChatMessage message, Func<string, string> idOf)
    {
        bool isAssistant = message.Role == ChatRole.Assistant;
        if (isAssistant)
            RefuseUnknown(message.Contents);
        if (!message.Contents.Any(c => IsSent(c, isAssistant)))
            return;
        Utf8JsonWriter json = writer.Json;
        json.WriteStartObject();
        json.WriteString("role", isAssistant ? "assistant" : "user");
        json.WriteStartArray("content");
        for (int i = 0; i < message.Contents.Count; i++)
        {
            if (message.Contents[i] is TextContent text)
                WriteTextBlock(writer, text.Text, i + 1 < message.Contents.Count ? Own(message.Contents[i + 1]) : null);
            else if (isAssistant)
                WriteOwnBlock(writer, message.Contents[i]);
            else
                WriteUserBlock(writer, message.Contents[i], idOf);
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Whether a content alone makes a message: reasoning does not, nor does white space.</summary>
    private bool IsSent(AIContent content, bool isAssistant) => content switch
    {
        TextContent text => !string.IsNullOrWhiteSpace(text.Text),
        TextReasoningContent or UsageContent or ErrorContent => false,
        OpaqueContent =>
            isAssistant && Own(content) is { } own && HasType(own) && !own.Contains(RedactedThinking, StringComparison.Ordinal),
        _ => true,
    };

    private void AddSystem(List<ReadOnlyMemory<byte>> segments, IReadOnlyList<ChatMessage> messages, string? instructions)
    {
        IEnumerable<string> given = messages.Where(m => m.Role == ChatRole.System).Select(m => m.Text).Prepend(instructions ?? "");
        string[] texts = [.. given.Where(t => !string.IsNullOrWhiteSpace(t))];
        if (texts.Length == 0)
            return;
        segments.Add(Bytes(fragment =>
        {
            fragment.Raw("\"system\":"u8);
            fragment.Json.WriteStartArray();
            for (int i = 0; i < texts.Length; i++)
            {
                fragment.Json.WriteStartObject();
                fragment.Json.WriteString("type", "text");
                fragment.Json.WriteText("text", texts[i]);
                if (i == texts.Length - 1 && Endpoint.Options.PromptCaching)
                    WriteMark(fragment.Json);
                fragment.Json.WriteEndObject();
            }

            fragment.Json.WriteEndArray();
            fragment.Raw(","u8);
        }));
    }

    private static void AddMessage(List<ReadOnlyMemory<byte>> segments, WrittenMessage message, bool isMarked)
    {
        if (!isMarked || message.Mark < 0)
        {
            segments.Add(message.Bytes);
            return;
        }

        segments.Add(message.Bytes.AsMemory(0, message.Mark));
        segments.Add(s_mark);
        segments.Add(message.Bytes.AsMemory(message.Mark));
    }

    private static void WriteToolChoice(Fragment fragment, ChatOptions options)
    {
        string? type = options.ToolMode switch
        {
            NoneChatToolMode => "none",
            RequiredChatToolMode { RequiredFunctionName: null } => "any",
            RequiredChatToolMode => "tool",
            AutoChatToolMode => "auto",
            _ => options.AllowMultipleToolCalls is null ? null : "auto",
        };
        if (type is null)
            return;
        fragment.Field("tool_choice"u8, w =>
        {
            w.WriteStartObject();
            w.WriteString("type", type);
            if (options.ToolMode is RequiredChatToolMode { RequiredFunctionName: { } name })
                w.WriteText("name", name);
            if (options.AllowMultipleToolCalls is { } several && type != "none")
                w.WriteBoolean("disable_parallel_tool_use", !several);
            w.WriteEndObject();
        });
    }

    private static void WriteMark(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("cache_control");
        writer.WriteString("type", "ephemeral");
        writer.WriteEndObject();
    }

    private static void WriteTextBlock(MessageWriter writer, string text, string? fields)
    {
        if (string.IsNullOrWhiteSpace(text))
            return; // The provider refuses it.
        writer.Json.WriteStartObject();
        writer.Json.WriteString("type", "text");
        writer.Json.WriteText("text", text);
        if (fields is not null && !HasType(fields))
            WrittenJson.WriteFields(writer.Json, fields);
        writer.EndBlock();
    }

    /// <summary>A block of the model's: reasoning and opaque blocks only where they came from here, reasoning only with its
    /// signature.</summary>
    private void WriteOwnBlock(MessageWriter writer, AIContent content)
    {
        Utf8JsonWriter json = writer.Json;
        switch (content)
        {
            case TextReasoningContent { ProtectedData: { Length: > 0 } signature } thought
                when OpaqueContent.Of(thought)?.Origin == Endpoint.Origin:
                json.WriteStartObject();
                json.WriteString("type", "thinking");
                json.WriteText("thinking", thought.Text);
                json.WriteText("signature", signature);
                json.WriteEndObject();
                break;
            case OpaqueContent when Own(content) is { } own && HasType(own):
                json.WriteRawValue(own, skipInputValidation: true);
                break;
            case FunctionCallContent call:
                json.WriteStartObject();
                json.WriteString("type", "tool_use");
                json.WriteString("id", CallIds.Of(call, Endpoint));
                json.WriteString("name", CallIds.Name(call.Name));
                json.WriteRaw("input", WrittenJson.Arguments(call));
                if (Own(call) is { } fields)
                    WrittenJson.WriteFields(json, fields);
                writer.EndBlock();
                break;
        }
    }

    /// <summary>Whether <see cref="WriteUserBlock"/> has a block for an attachment that is no text.</summary>
    public static bool Takes(string mediaType, bool isReference) => MediaTypes.Plain(mediaType) is var type
        && (type == "application/pdf" || (isReference ? MediaTypes.IsImage(type) : IsImage(type)));

    private static bool IsImage(string type) => type is "image/jpeg" or "image/png" or "image/gif" or "image/webp";

    private void WriteUserBlock(MessageWriter writer, AIContent content, Func<string, string> idOf)
    {
        Utf8JsonWriter json = writer.Json;
        switch (content)
        {
            case FunctionResultContent result:
                json.WriteStartObject();
                json.WriteString("type", "tool_result");
                json.WriteString("tool_use_id", idOf(result.CallId));
                json.WriteText("content", WrittenJson.Result(result));
                json.WriteBoolean("is_error", result.Exception is not null);
                writer.EndBlock();
                break;
            case DataContent data when Attachments.IsText(data):
                WriteTextBlock(writer, Attachments.Text(data), null);
                break;
            case DataContent data when IsImage(Attachments.Type(data)):
                WriteSource(writer, "image", Attachments.Type(data), data, null);
                break;
            case DataContent data when Attachments.Type(data) == "application/pdf":
                WriteSource(writer, "document", "application/pdf", data, null);
                break;
            case UriContent uri when uri.HasTopLevelMediaType("image"):
                WriteSource(writer, "image", null, null, uri.Uri);
                break;
            case UriContent uri when Attachments.Type(uri) == "application/pdf":
                WriteSource(writer, "document", null, null, uri.Uri);
                break;
            case UsageContent:
                break;
            default:
                throw Refused(Describe(content));
        }
    }

    private static void WriteSource(MessageWriter writer, string type, string? mediaType, DataContent? data, Uri? url)
    {
        Utf8JsonWriter json = writer.Json;
        json.WriteStartObject();
        json.WriteString("type", type);
        json.WriteStartObject("source");
        json.WriteString("type", data is null ? "url" : "base64");
        if (data is not null)
        {
            json.WriteString("media_type", mediaType);
            json.WriteBase64String("data", data.Data.Span);
        }
        else
        {
            json.WriteString("url", url!.AbsoluteUri);
        }

        json.WriteEndObject();
        writer.EndBlock();
    }

    /// <summary>Whether opaque data is a block of its own; without a type it belongs to the text before it.</summary>
    private static bool HasType(string json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty("type", out _);
    }
}
