using System.Globalization;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Providers;

/// <summary>Reads an answer of the Chat Completions wire.</summary>
internal sealed class ChatReader : WireReader
{
    // What a message has beside its text, reasoning and calls, and what no provider wants back: OpenAI, Azure, Perplexity, vLLM.
    private static readonly HashSet<string> s_answerOnly = new(StringComparer.Ordinal)
    {
        "role", "content", "tool_calls", "function_call", "refusal", "annotations", "audio", "context", "content_filter_results",
        "content_filter_offsets", "citations", "search_results", "images", "executed_tools", "name", "id", "index", "token_ids", "logprobs",
        "stop_reason", "provider", "prefix",
    };

    // DeepSeek and Kimi; OpenRouter, Groq and newer vLLM.
    private static readonly string[] s_reasoningFields = ["reasoning_content", "reasoning"];

    private readonly CallAssembler _calls;
    private readonly OpaqueFields _fields = new();
    private readonly StringBuilder _reasoning = new();
    private readonly StringBuilder _refusal = new();
    private readonly TextJoiner _text = new();
    private readonly TextJoiner _thought = new();
    private string? _reasoningField;
    private long? _choice;
    private string? _finish;
    private bool _hasChoice;
    private bool _isDone;
    private bool _isWhole;

    public ChatReader(Endpoint endpoint)
        : base(endpoint) => _calls = new CallAssembler(endpoint.Wire);

    /// <inheritdoc/>
    public override UsageDetails? Usage => Counts.ChatDetails(_finish is not null || _isDone || _isWhole);

    protected override void OnDone() => _isDone = true;

    protected override void ReadWhole(JsonElement root)
    {
        _isWhole = true;
        if (root.ValueKind == JsonValueKind.Object)
            ReadEvent(root, null);
        if (!_hasChoice)
            throw NotThisProtocol();
    }

    protected override void ReadEvent(JsonElement root, string? name)
    {
        Identify(root);
        if (root.TryGetProperty("choices", out JsonElement choices) && choices.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement choice in choices.EnumerateArray())
            {
                if (choice.ValueKind == JsonValueKind.Object)
                    ReadChoice(choice);
            }
        }

        ReadUsage(root);
        if (root.TryGetProperty("x_groq", out JsonElement groq))
            ReadUsage(groq);
    }

    private void ReadUsage(JsonElement holder)
    {
        if (holder.ValueKind == JsonValueKind.Object && holder.TryGetProperty("usage", out JsonElement usage))
            Counts.ReadChat(usage);
    }

    protected override (List<AIContent> Contents, ChatFinishReason Finish) Finish()
    {
        if (CutOff(_finish) is { } cut)
            throw cut;
        // A whole JSON answer is whole, and so is a stream that says that it is done, if anything came in it.
        if (!(_isWhole || _finish is { Length: > 0 } || (_isDone && _hasChoice)))
            throw Broken();
        Say(_text.End());
        FlushReasoning();
        List<AIContent> contents = [];
        ChatFinishReason finish = FinishOf(_calls.Calls.Count > 0);
        if (finish.Value is FinishReasons.Refusal && _refusal.Length > 0)
            contents.Add(new ErrorContent(WireText.Mend(_refusal.ToString())) { ErrorCode = "Refusal" });
        if (_fields.ToJson() is { } fields)
            contents.Add(new OpaqueContent(new Opaque(Endpoint.Origin, fields)));
        if (finish.Value is not (FinishReasons.Refusal or FinishReasons.ContentFilter))
            contents.AddRange(_calls.ToContents(Endpoint.Origin));
        return (contents, finish);
    }

    /// <summary>Which ending a word stands for. Words that no protocol has are taken for a normal end.</summary>
    private ChatFinishReason FinishOf(bool hasCalls)
    {
        if (_refusal.Length > 0)
            return new ChatFinishReason(FinishReasons.Refusal);
        return _finish?.ToUpperInvariant() switch
        {
            "LENGTH" or "MAX_TOKENS" or "MAX_OUTPUT_TOKENS" or "MODEL_LENGTH" or "MAX_COMPLETION_TOKENS" => ChatFinishReason.Length,
            "CONTENT_FILTER" or "CONTENT-FILTER" or "SENSITIVE" => ChatFinishReason.ContentFilter,
            "SAFETY" or "PROHIBITED_CONTENT" or "RECITATION" or "BLOCKLIST" or "SPII" => ChatFinishReason.ContentFilter, // Gemini.
            { } word when word.StartsWith("CONTENT_FILTER:", StringComparison.Ordinal) => ChatFinishReason.ContentFilter,
            { } word when word.Contains("MALFORMED_FUNCTION_CALL", StringComparison.Ordinal) => ChatFinishReason.ToolCalls,
            "REFUSAL" => new ChatFinishReason(FinishReasons.Refusal),
            "TOOL_CALLS" or "FUNCTION_CALL" => ChatFinishReason.ToolCalls,
            _ => hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
        };
    }

    private void ReadChoice(JsonElement choice)
    {
        // Only one answer was asked for: it is the first that comes. A call in another one may be a piece of ours that lost its way.
        long index = Index(choice) ?? _choice ?? 0;
        _choice ??= index;
        if (index != _choice)
        {
            bool hasDelta = choice.TryGetProperty("delta", out JsonElement other) && other.ValueKind == JsonValueKind.Object;
            if (hasDelta && other.TryGetProperty("tool_calls", out _))
                _calls.Confuse();
            return;
        }

        (HasBegun, _hasChoice) = (true, true);
        ReadUsage(choice); // Kimi counts here.
        // A message without a word of how it ended may still say so later; a word is never taken back by silence.
        if (choice.TryGetProperty("finish_reason", out JsonElement finish) && finish.ValueKind == JsonValueKind.String)
            _finish = WireText.Of(finish) is { Length: > 0 } word ? WireText.Mend(word) : _finish ?? "";
        if ((choice.TryGetProperty("delta", out JsonElement message) && message.ValueKind == JsonValueKind.Object)
            || (choice.TryGetProperty("message", out message) && message.ValueKind == JsonValueKind.Object))
        {
            ReadMessage(message);
        }
        else if (WireText.Of(choice, "text") is { } text)
        {
            Speak(text);
        }
    }

    private void ReadMessage(JsonElement message)
    {
        foreach (JsonProperty property in message.EnumerateObject())
        {
            if (s_reasoningFields.Contains(property.Name) && property.Value.ValueKind == JsonValueKind.String)
                Think(property.Name, WireText.Of(property.Value)!);
            else if (!s_answerOnly.Contains(property.Name))
                Keep(_fields.Add(property.Name, property.Value));
        }

        if (message.TryGetProperty("content", out JsonElement content))
            ReadContent(content);
        if (WireText.Of(message, "refusal") is { } refusal)
            Refuse(refusal);
        if (message.TryGetProperty("tool_calls", out JsonElement calls))
            ReadCalls(calls);
        if (message.TryGetProperty("function_call", out JsonElement old) && old.ValueKind == JsonValueKind.Object)
            ReadCall(old, null, 0);
    }

    /// <summary>Content is text, or a list of parts, some of them text; Mistral puts its reasoning there.</summary>
    private void ReadContent(JsonElement content)
    {
        switch (content.ValueKind)
        {
            case JsonValueKind.String:
                Speak(WireText.Of(content)!);
                break;
            case JsonValueKind.Array:
                foreach (JsonElement part in content.EnumerateArray())
                    ReadPart(part);
                break;
            case JsonValueKind.Object:
                ReadPart(content);
                break;
        }
    }

    private void ReadPart(JsonElement part)
    {
        if (part.ValueKind == JsonValueKind.String)
        {
            Speak(WireText.Of(part)!);
            return;
        }

        if (part.ValueKind != JsonValueKind.Object)
            return;
        switch (WireText.Of(part, "type"))
        {
            case "thinking" or "reasoning"
                when part.TryGetProperty("thinking", out JsonElement thought) || part.TryGetProperty("text", out thought):
                Think(null, TextWithin(thought));
                break;
            case "refusal":
                Refuse(WireText.Of(part, "refusal") ?? "");
                break;
            default:
                Speak(WireText.Of(part, "text") ?? "");
                break;
        }
    }

    private static string TextWithin(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.String => WireText.Of(element)!,
        JsonValueKind.Array => string.Concat(element.EnumerateArray().Select(TextWithin)),
        JsonValueKind.Object => WireText.Of(element, "text") ?? "",
        _ => "",
    };

    private void ReadCalls(JsonElement calls)
    {
        _calls.NextRound();
        if (calls.ValueKind == JsonValueKind.Object)
            ReadCallOf(calls);
        else if (calls.ValueKind is not (JsonValueKind.Array or JsonValueKind.Null))
            _calls.Confuse();
        if (calls.ValueKind != JsonValueKind.Array)
            return;
        foreach (JsonElement call in calls.EnumerateArray())
        {
            if (call.ValueKind == JsonValueKind.Object)
                ReadCallOf(call);
            else
                _calls.Confuse();
        }
    }

    private void ReadCallOf(JsonElement call)
    {
        bool isNested = call.TryGetProperty("function", out JsonElement function) && function.ValueKind == JsonValueKind.Object;
        ReadCall(call, isNested ? function : null, Index(call));
    }

    private void ReadCall(JsonElement call, JsonElement? within, long? index)
    {
        FlushReasoning();
        JsonElement function = within ?? call;
        string? arguments = function.TryGetProperty("arguments", out JsonElement given) ? given.ValueKind switch
        {
            JsonValueKind.String => WireText.Of(given),
            JsonValueKind.Null => null,
            _ => WireText.Raw(given),
        }
        : null;
        Keep((arguments?.Length ?? 0) + 64);
        var piece = new CallPiece(index, WireText.Of(call, "id"), WireText.Of(function, "name"), arguments);
        WireCall known = _isWhole ? Whole(piece) : _calls.Add(piece);
        foreach (JsonProperty property in call.EnumerateObject())
        {
            if (property.Name is not ("index" or "id" or "type" or "function" or "name" or "arguments"))
                Keep(known.Fields.Add(property.Name, property.Value));
        }

        if (within is null)
            return;
        foreach (JsonProperty property in function.EnumerateObject())
        {
            if (property.Name is not ("name" or "arguments" or "description" or "parameters"))
                Keep(known.FunctionFields.Add(property.Name, property.Value));
        }
    }

    /// <summary>In a plain answer each item is a call, whatever its index and id.</summary>
    private WireCall Whole(CallPiece piece)
    {
        WireCall call = _calls.Begin(piece.Index);
        call.Id = piece.Id;
        call.Name.Append(piece.Name);
        call.Append(piece.Arguments ?? "");
        return call;
    }

    private void Speak(string text)
    {
        if (text.Length == 0)
            return;
        FlushReasoning();
        Keep(text.Length);
        Say(_text.Add(text));
    }

    private void Think(string? field, string text)
    {
        if (text.Length == 0 || (field is not null && _reasoningField is not null && field != _reasoningField))
            return; // Some gateways send the same thought under both names.
        _reasoningField ??= field;
        string joined = _thought.Add(text);
        Keep(joined.Length);
        _reasoning.Append(joined);
    }

    private void Refuse(string words)
    {
        Keep(words.Length);
        _refusal.Append(words);
    }

    private void FlushReasoning()
    {
        _reasoning.Append(_thought.End());
        if (_reasoning.Length == 0)
            return;
        var reasoning = new TextReasoningContent(_reasoning.ToString());
        _reasoning.Clear();
        Give(_reasoningField is null ? reasoning : OpaqueContent.Attach(reasoning, new Opaque(Endpoint.Origin, _reasoningField)));
    }

    private static long? Index(JsonElement item) =>
        item.TryGetProperty("index", out JsonElement index)
        && long.TryParse(WireText.Of(index), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : null;
}
