using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>Writes requests of the Chat Completions wire.</summary>
internal sealed class ChatWriter(Endpoint endpoint) : RequestWriter(endpoint)
{
    private static readonly byte[] s_comma = [(byte)','];

    private byte[]? _instructed;
    private string? _instructions;

    protected override void WriteHead(Fragment fragment, ChatOptions? options)
    {
        fragment.Raw("{\"model\":"u8);
        fragment.Json.WriteStringValue(options?.ModelId ?? Endpoint.Model);
        fragment.Raw(","u8);
    }

    protected override void WriteTool(Utf8JsonWriter writer, AIFunctionDeclaration tool, bool isLast)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        writer.WriteText("name", tool.Name);
        writer.WriteText("description", tool.Description);
        writer.WritePropertyName("parameters");
        WrittenJson.WriteSchema(writer, tool.JsonSchema);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    protected override void AddMessages(List<ReadOnlyMemory<byte>> segments, IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        segments.Add("\"messages\":["u8.ToArray());
        bool isFirst = true;
        if (options?.Instructions is { Length: > 0 } instructions)
            Add(Instructions(instructions));
        IReadOnlyDictionary<string, string>? ids = null;
        for (int i = 0; i < messages.Count; i++)
            Add(Written(messages[i], ref ids).Bytes);
        segments.Add("]"u8.ToArray());

        void Add(byte[] bytes)
        {
            if (bytes.Length == 0)
                return;
            if (!isFirst)
                segments.Add(s_comma);
            segments.Add(bytes);
            isFirst = false;
        }
    }

    protected override void WriteTail(Fragment fragment, ChatOptions? options, bool stream)
    {
        if (options?.MaxOutputTokens is { } most)
            fragment.Field(Encoding.UTF8.GetBytes(Endpoint.Dialect.MaxTokensField), w => w.WriteNumberValue(most));
        if (options?.Temperature is { } temperature)
            fragment.Field("temperature"u8, w => w.WriteNumberValue(temperature));
        if (options?.TopP is { } topP)
            fragment.Field("top_p"u8, w => w.WriteNumberValue(topP));
        if (options?.FrequencyPenalty is { } frequency)
            fragment.Field("frequency_penalty"u8, w => w.WriteNumberValue(frequency));
        if (options?.PresencePenalty is { } presence)
            fragment.Field("presence_penalty"u8, w => w.WriteNumberValue(presence));
        if (options?.Seed is { } seed)
            fragment.Field("seed"u8, w => w.WriteNumberValue(seed));
        if (options?.StopSequences is { Count: > 0 } stops)
            fragment.Field("stop"u8, w => WrittenJson.WriteValue(w, stops.ToArray()));
        if (options?.Reasoning?.Effort is { } effort)
        {
            string word = effort == ReasoningEffort.ExtraHigh ? "xhigh" : effort.ToString().ToLowerInvariant();
            fragment.Field("reasoning_effort"u8, w => w.WriteStringValue(word));
        }

        if (options?.ResponseFormat is ChatResponseFormatJson format)
            fragment.Field("response_format"u8, w => WriteFormat(w, format));
        if (options?.Tools is { Count: > 0 })
            WriteToolChoice(fragment, options);
        if (stream)
        {
            fragment.Field("stream"u8, w => w.WriteBooleanValue(true));
            fragment.Field("stream_options"u8, w => w.WriteRawValue("""{"include_usage":true}"""));
        }

        foreach ((string name, JsonElement value) in Endpoint.Options.Fields)
            fragment.Field(Encoding.UTF8.GetBytes(name), w => WrittenJson.WriteValue(w, value));
        fragment.Raw("}"u8);
    }

    protected override void WriteMessage(MessageWriter writer, ChatMessage message, Func<string, string> idOf)
    {
        foreach (FunctionResultContent result in message.Contents.OfType<FunctionResultContent>())
        {
            writer.Json.WriteStartObject();
            writer.Json.WriteString("role", "tool");
            writer.Json.WriteString("tool_call_id", idOf(result.CallId));
            writer.Json.WriteText("content", WrittenJson.Result(result));
            writer.Json.WriteEndObject();
        }

        if (message.Role == ChatRole.Assistant)
            WriteAssistant(writer.Json, message.Contents);
        else if (message.Role != ChatRole.Tool)
            WriteOther(writer.Json, message);
    }

    private static void WriteToolChoice(Fragment fragment, ChatOptions options)
    {
        if (options.ToolMode is AutoChatToolMode)
            fragment.Field("tool_choice"u8, w => w.WriteStringValue("auto"));
        else if (options.ToolMode is NoneChatToolMode)
            fragment.Field("tool_choice"u8, w => w.WriteStringValue("none"));
        else if (options.ToolMode is RequiredChatToolMode { RequiredFunctionName: null })
            fragment.Field("tool_choice"u8, w => w.WriteStringValue("required"));
        else if (options.ToolMode is RequiredChatToolMode { RequiredFunctionName: { } name })
            fragment.Field("tool_choice"u8, w => WriteNamedTool(w, name));
        if (options.AllowMultipleToolCalls is { } several)
            fragment.Field("parallel_tool_calls"u8, w => w.WriteBooleanValue(several));
    }

    private static void WriteNamedTool(Utf8JsonWriter writer, string name)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        writer.WriteText("name", name);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteFormat(Utf8JsonWriter writer, ChatResponseFormatJson format)
    {
        writer.WriteStartObject();
        writer.WriteString("type", format.Schema is null ? "json_object" : "json_schema");
        if (format.Schema is { } schema)
        {
            writer.WriteStartObject("json_schema");
            writer.WriteText("name", format.SchemaName ?? "json_schema");
            if (format.SchemaDescription is { } description)
                writer.WriteText("description", description);
            writer.WritePropertyName("schema");
            WrittenJson.WriteSchema(writer, schema);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    private byte[] Instructions(string instructions)
    {
        if (_instructed is { } known && ReferenceEquals(_instructions, instructions))
            return known;
        byte[] bytes = Bytes(fragment => WriteSystem(fragment.Json, instructions));
        (_instructed, _instructions) = (bytes, instructions);
        return bytes;
    }

    private static void WriteSystem(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("role", "system");
        writer.WriteText("content", text);
        writer.WriteEndObject();
    }

    /// <summary>A message of the model's; nothing where it has neither a word nor a call: "content":"" is refused or misread by
    /// many.</summary>
    private void WriteAssistant(Utf8JsonWriter writer, IList<AIContent> contents)
    {
        string text = string.Concat(contents.OfType<TextContent>().Select(t => t.Text));
        FunctionCallContent[] calls = [.. contents.OfType<FunctionCallContent>()];
        bool hasText = !string.IsNullOrWhiteSpace(text);
        RefuseUnknown(contents);
        if (!hasText && calls.Length == 0)
            return;
        writer.WriteStartObject();
        writer.WriteString("role", "assistant");
        if (hasText)
            writer.WriteText("content", text);
        else
            writer.WriteNull("content"); // Some servers want the field to be there.
        if (Endpoint.Dialect.TakesUnknownFields)
            WriteOwn(writer, contents);
        if (calls.Length > 0)
        {
            writer.WriteStartArray("tool_calls");
            foreach (FunctionCallContent call in calls)
                WriteCall(writer, call);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    /// <summary>The reasoning and the opaque fields that came from here.</summary>
    private void WriteOwn(Utf8JsonWriter writer, IList<AIContent> contents)
    {
        string? field = null;
        var reasoning = new StringBuilder();
        foreach (AIContent content in contents)
        {
            if (OpaqueContent.Of(content) is not { Data: { } data } opaque || opaque.Origin != Endpoint.Origin)
                continue;
            if (content is TextReasoningContent thought)
            {
                reasoning.Append(thought.Text);
                field = data;
            }
            else if (content is OpaqueContent)
            {
                WrittenJson.WriteFields(writer, data);
            }
        }

        if (field is not null)
            writer.WriteText(field, reasoning.ToString());
    }

    private void WriteCall(Utf8JsonWriter writer, FunctionCallContent call)
    {
        string? own = Endpoint.Dialect.TakesUnknownFields ? Own(call) : null;
        writer.WriteStartObject();
        writer.WriteString("id", CallIds.Of(call, Endpoint));
        writer.WriteString("type", "function");
        writer.WriteStartObject("function");
        writer.WriteString("name", CallIds.Name(call.Name));
        writer.WriteText("arguments", WrittenJson.Arguments(call));
        if (own is not null)
            WriteFunctionFields(writer, own);
        writer.WriteEndObject();
        if (own is not null)
            WrittenJson.WriteFields(writer, own, except: "function");
        writer.WriteEndObject();
    }

    private static void WriteFunctionFields(Utf8JsonWriter writer, string own)
    {
        using var document = JsonDocument.Parse(own);
        if (document.RootElement.TryGetProperty("function", out JsonElement function))
            WrittenJson.WriteFields(writer, WireText.Raw(function));
    }

    private void WriteOther(Utf8JsonWriter writer, ChatMessage message)
    {
        AIContent[] contents = [.. message.Contents.Where(c => c is not (FunctionResultContent or UsageContent))];
        if (contents.Length == 0)
            return;
        if (message.Role == ChatRole.System)
        {
            WriteSystem(writer, message.Text);
            return;
        }

        writer.WriteStartObject();
        writer.WriteString("role", "user");
        // Some servers take only a string for content, so text alone is one.
        if (Array.TrueForAll(contents, c => c is TextContent || (c is DataContent data && Attachments.IsText(data))))
        {
            IEnumerable<string> texts = contents.Select(c => c is DataContent data ? Attachments.Text(data) : ((TextContent)c).Text);
            writer.WriteText("content", string.Join("\n\n", texts));
        }
        else
        {
            writer.WriteStartArray("content");
            foreach (AIContent content in contents)
                WritePart(writer, content);
            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    /// <summary>Whether <see cref="WritePart"/> has a part for an attachment that is no text.</summary>
    public static bool Takes(string mediaType, bool isReference) => MediaTypes.Plain(mediaType) is var type
        && (MediaTypes.IsImage(type) || (!isReference && (IsAudio(type) || type == "application/pdf")));

    private static bool IsAudio(string type) => type is "audio/wav" or "audio/x-wav" or "audio/wave" or "audio/mpeg" or "audio/mp3";

    private void WritePart(Utf8JsonWriter writer, AIContent content)
    {
        switch (content)
        {
            case TextContent text:
                WriteTextPart(writer, text.Text);
                break;
            case DataContent data when Attachments.IsText(data):
                WriteTextPart(writer, Attachments.Text(data));
                break;
            case DataContent data when data.HasTopLevelMediaType("image"):
                WriteImage(writer, data.Uri);
                break;
            case UriContent uri when uri.HasTopLevelMediaType("image"):
                WriteImage(writer, uri.Uri.AbsoluteUri);
                break;
            case DataContent data when IsAudio(Attachments.Type(data)):
                writer.WriteStartObject();
                writer.WriteString("type", "input_audio");
                writer.WriteStartObject("input_audio");
                writer.WriteBase64String("data", data.Data.Span);
                writer.WriteString("format", Attachments.Type(data) is "audio/mpeg" or "audio/mp3" ? "mp3" : "wav");
                writer.WriteEndObject();
                writer.WriteEndObject();
                break;
            case DataContent data when Attachments.Type(data) == "application/pdf":
                writer.WriteStartObject();
                writer.WriteString("type", "file");
                writer.WriteStartObject("file");
                writer.WriteText("filename", data.Name ?? "document.pdf");
                writer.WriteString("file_data", data.Uri);
                writer.WriteEndObject();
                writer.WriteEndObject();
                break;
            default:
                throw Refused(Describe(content));
        }
    }

    private static void WriteTextPart(Utf8JsonWriter writer, string text)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "text");
        writer.WriteText("text", text);
        writer.WriteEndObject();
    }

    private static void WriteImage(Utf8JsonWriter writer, string url)
    {
        writer.WriteStartObject();
        writer.WriteString("type", "image_url");
        writer.WriteStartObject("image_url");
        writer.WriteString("url", url);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
