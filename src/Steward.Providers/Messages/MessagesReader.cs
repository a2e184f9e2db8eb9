using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Providers;

/// <summary>Reads an answer of the Messages wire: a list of blocks, each known by its position.</summary>
internal sealed class MessagesReader(Endpoint endpoint) : WireReader(endpoint)
{
    private const int MaxBlocks = 4_096;

    private readonly List<Block> _blocks = [];
    private int _given;
    private string? _stop;
    private bool _hasMessage;
    private bool _isStopped;
    private bool _isConfused;
    private bool _hasOutput;

    /// <inheritdoc/>
    public override UsageDetails? Usage => Counts.MessagesDetails(_hasOutput);

    protected override void ReadWhole(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object
            || !root.TryGetProperty("content", out JsonElement content) || content.ValueKind != JsonValueKind.Array)
        {
            throw NotThisProtocol();
        }

        BeginMessage(root);
        foreach (JsonElement block in content.EnumerateArray())
        {
            if (block.ValueKind == JsonValueKind.Object)
                Start(null, block).IsClosed = true;
        }

        ReadStop(root);
        (_isStopped, _hasOutput) = (true, true);
        Pump(isOver: false);
    }

    protected override void ReadEvent(JsonElement root, string? name)
    {
        switch (WireText.Of(root, "type") ?? name)
        {
            case "message_start" when root.TryGetProperty("message", out JsonElement message) && message.ValueKind == JsonValueKind.Object:
                BeginMessage(message);
                break;
            case "content_block_start"
                when root.TryGetProperty("content_block", out JsonElement block) && block.ValueKind == JsonValueKind.Object:
                Start(Index(root), block);
                break;
            case "content_block_delta" when root.TryGetProperty("delta", out JsonElement delta) && delta.ValueKind == JsonValueKind.Object:
                ReadDelta(Index(root), delta);
                break;
            case "content_block_stop":
                if (Find(Index(root), _ => true) is { } ended)
                    ended.IsClosed = true;
                break;
            case "message_delta":
                ReadStop(root.TryGetProperty("delta", out JsonElement change) && change.ValueKind == JsonValueKind.Object ? change : root);
                ReadUsage(root);
                _hasOutput |= root.TryGetProperty("usage", out JsonElement counted) && WireText.Of(counted, "output_tokens") is not null;
                break;
            case "message_stop":
                (_isStopped, IsOver) = (true, true);
                break;
            default:
                // A piece that cannot be read may be one of a call's arguments; without it they would look empty.
                _isConfused |= root.TryGetProperty("delta", out _) || root.TryGetProperty("content_block", out _);
                break;
        }

        Pump(isOver: false);
    }

    protected override (List<AIContent> Contents, ChatFinishReason Finish) Finish()
    {
        if (CutOff(_stop) is { } cut)
            throw cut;
        if (_stop is null or "" && !(_isStopped && _hasMessage))
            throw Broken();
        if (!_hasMessage && _blocks.Count == 0)
            throw NotThisProtocol();
        Pump(isOver: true);
        ChatFinishReason finish = FinishOf(_blocks.Exists(b => b.Call is not null));
        List<AIContent> contents = [];
        bool isRefused = finish.Value is FinishReasons.Refusal;
        bool isConfused = _isConfused || _blocks.Exists(b => b.Call is { Name.Length: 0 });
        foreach (Block block in _blocks.Skip(_given))
        {
            if (!(isRefused && block.Call is not null))
                contents.AddRange(block.Contents(Endpoint.Origin, isConfused));
        }

        return (contents, finish);
    }

    private ChatFinishReason FinishOf(bool hasCalls) => _stop switch
    {
        "max_tokens" or "model_context_window_exceeded" => ChatFinishReason.Length,
        "refusal" => new ChatFinishReason(FinishReasons.Refusal),
        "pause_turn" => new ChatFinishReason(FinishReasons.Paused),
        "tool_use" => ChatFinishReason.ToolCalls,
        _ => hasCalls ? ChatFinishReason.ToolCalls : ChatFinishReason.Stop,
    };

    private void BeginMessage(JsonElement message)
    {
        // A gateway that failed over in the middle sends the beginning of another answer: what came before it is half of the first one.
        if (_hasMessage && (_blocks.Count > 0 || _stop is not null))
            throw Wire.Error(ModelFailure.StreamInterrupted, "a second message began in the middle of the first one.");
        _hasMessage = true;
        Identify(message);
        ReadUsage(message);
        // The count of a message that only begins is no count of its output.
        ReadStop(message);
    }

    private void ReadStop(JsonElement holder)
    {
        if (WireText.Of(holder, "stop_reason") is { } stop)
            _stop = stop;
    }

    private void ReadUsage(JsonElement holder)
    {
        if (holder.TryGetProperty("usage", out JsonElement usage))
            Counts.ReadMessages(usage);
    }

    private Block Start(long? index, JsonElement start)
    {
        HasBegun = true;
        if (_blocks.Count == MaxBlocks)
            throw Wire.Error(ModelFailure.InvalidResponse, $"the answer has more than {MaxBlocks} blocks.");
        if (_blocks.Count(b => b.Call is not null) >= CallAssembler.MaxCalls)
            throw Wire.Error(ModelFailure.InvalidResponse, $"the answer has more than {CallAssembler.MaxCalls} tool calls.");
        var block = new Block(index, WireText.Of(start, "type") ?? "text");
        _blocks.Add(block);
        switch (block.Type)
        {
            case "text":
                block.Text.Append(Kept(block.Joiner.Add(WireText.Of(start, "text") ?? "")));
                if (start.TryGetProperty("citations", out JsonElement citations))
                    Keep(block.Fields.Add("citations", citations));
                break;
            case "thinking":
                block.Text.Append(Kept(block.Joiner.Add(WireText.Of(start, "thinking") ?? "")));
                block.Signature.Append(Kept(WireText.Of(start, "signature") ?? ""));
                break;
            case "tool_use":
                StartCall(block, start);
                break;
            default:
                block.Start = Kept(WireText.Raw(start));
                block.HasInput = start.TryGetProperty("input", out _);
                break;
        }

        return block;
    }

    private void StartCall(Block block, JsonElement start)
    {
        var call = new WireCall(block.Index, 0) { Id = WireText.Of(start, "id") };
        call.Name.Append(WireText.Of(start, "name"));
        // Anthropic begins with an empty object and sends the input in pieces; some compatible servers send all of it here, or as text.
        if (start.TryGetProperty("input", out JsonElement input) && input.ValueKind != JsonValueKind.Null
            && !(input.ValueKind == JsonValueKind.Object && input.GetPropertyCount() == 0))
        {
            block.WholeInput = Kept(input.ValueKind == JsonValueKind.String ? WireText.Of(input)! : WireText.Raw(input));
        }

        foreach (JsonProperty property in start.EnumerateObject())
        {
            if (property.Name is not ("type" or "id" or "name" or "input" or "index" or "cache_control"))
                Keep(call.Fields.Add(property.Name, property.Value));
        }

        block.Call = call;
    }

    private void ReadDelta(long? index, JsonElement delta)
    {
        HasBegun = true;
        switch (WireText.Of(delta, "type"))
        {
            case "text_delta":
                Block text = Find(index, b => b.Type == "text") ?? Add(index, "text");
                text.Text.Append(Kept(text.Joiner.Add(WireText.Of(delta, "text") ?? "")));
                break;
            case "thinking_delta":
                Block thought = Find(index, b => b.Type == "thinking") ?? Add(index, "thinking");
                thought.Text.Append(Kept(thought.Joiner.Add(WireText.Of(delta, "thinking") ?? "")));
                break;
            case "signature_delta":
                Find(index, b => b.Type == "thinking")?.Signature.Append(Kept(WireText.Of(delta, "signature") ?? ""));
                break;
            case "citations_delta" when delta.TryGetProperty("citation", out JsonElement citation):
                using (var list = JsonDocument.Parse($"[{WireText.Raw(citation)}]"))
                    Keep(Find(index, b => b.Type == "text")?.Fields.Add("citations", list.RootElement) ?? 0);
                break;
            case "input_json_delta":
                bool isText = delta.TryGetProperty("partial_json", out JsonElement part) && part.ValueKind == JsonValueKind.String;
                ReadInput(index, isText ? WireText.Of(part) : null);
                break;
            default:
                _isConfused |= _blocks.Exists(b => b is { Call: not null, IsClosed: false });
                break;
        }
    }

    /// <summary>A piece of a tool's input. It must have exactly one place to go:
    /// a call that lost one would look like one without arguments.</summary>
    private void ReadInput(long? index, string? json)
    {
        _isConfused |= json is null;
        if (string.IsNullOrEmpty(json))
            return;
        Keep(json.Length);
        List<Block> open = _blocks.FindAll(b => b is { TakesInput: true, IsClosed: false });
        List<Block> here = index is null ? open : open.FindAll(b => b.Index == index);
        if (here.Count == 0)
            here = open.FindAll(b => b.Index is null);
        if (here.Count == 0 && string.IsNullOrWhiteSpace(json))
            return;
        _isConfused |= here.Count != 1;
        if (here.Count == 0)
            return;
        if (here[^1].Call is { } call)
            call.Append(json);
        else
            here[^1].Text.Append(json);
    }

    /// <summary>Hands on, in their order, the blocks that are whole, and the text of the one that is being written.</summary>
    private void Pump(bool isOver)
    {
        for (; _given < _blocks.Count; _given++)
        {
            Block block = _blocks[_given];
            if (block.Call is not null)
                return;
            bool isWhole = block.IsClosed || isOver;
            if (block.Type == "text")
            {
                if (isWhole)
                    block.Text.Append(block.Joiner.End());
                Say(block.Text.ToString());
                block.Text.Clear();
            }

            if (!isWhole)
                return;
            foreach (AIContent content in block.Contents(Endpoint.Origin, false))
                Give(content);
        }
    }

    private Block Add(long? index, string type)
    {
        if (_blocks.Count == MaxBlocks)
            throw Wire.Error(ModelFailure.InvalidResponse, $"the answer has more than {MaxBlocks} blocks.");
        var block = new Block(index, type);
        _blocks.Add(block);
        return block;
    }

    private Block? Find(long? index, Func<Block, bool> fits) => index is null
        ? _blocks.FindLast(b => fits(b))
        : _blocks.FindLast(b => b.Index == index && fits(b)) ?? _blocks.FindLast(b => b.Index is null && fits(b));

    private string Kept(string text)
    {
        Keep(text.Length);
        return text;
    }

    private static long? Index(JsonElement root) =>
        root.TryGetProperty("index", out JsonElement index) && index.ValueKind == JsonValueKind.Number && index.TryGetInt64(out long number)
            ? number
            : null;

    private sealed class Block(long? index, string type)
    {
        public long? Index { get; } = index;

        public string Type { get; } = type;

        public TextJoiner Joiner { get; } = new();

        public StringBuilder Text { get; } = new();

        public StringBuilder Signature { get; } = new();

        public OpaqueFields Fields { get; } = new();

        /// <summary>The tool call, if it is one.</summary>
        public WireCall? Call { get; set; }

        /// <summary>The input that came with the beginning of the call, if it did.</summary>
        public string? WholeInput { get; set; }

        /// <summary>The block as it began, if it is of a kind that only the provider knows.</summary>
        public string? Start { get; set; }

        /// <summary>Whether that kind has an input, as the tools that the provider runs do.</summary>
        public bool HasInput { get; set; }

        /// <summary>Whether pieces of an input may come for it.</summary>
        public bool TakesInput => Call?.IsOpen ?? HasInput;

        public bool IsClosed { get; set; }

        public IEnumerable<AIContent> Contents(string origin, bool isConfused)
        {
            if (Call is not null)
            {
                if (Call.Arguments.Length == 0 && WholeInput is not null)
                    Call.Append(WholeInput);
                yield return Call.ToContent(origin, isConfused);
            }
            else if (Start is not null)
            {
                yield return new OpaqueContent(new Opaque(origin, WithInput()));
            }
            else if (Type == "thinking")
            {
                string text = Text.Append(Joiner.End()).ToString();
                if (text.Length > 0 || Signature.Length > 0)
                {
                    var thought = new TextReasoningContent(text) { ProtectedData = Signature.Length == 0 ? null : Signature.ToString() };
                    yield return OpaqueContent.Attach(thought, new Opaque(origin));
                }
            }
            else
            {
                string rest = Text.Append(Joiner.End()).ToString();
                if (rest.Length > 0)
                    yield return new TextContent(rest);
                if (Fields.ToJson() is { } fields)
                    yield return new OpaqueContent(new Opaque(origin, fields));
            }
        }

        /// <summary>The block, with the input that came in pieces in the place of the empty one that it began with.</summary>
        private string WithInput()
        {
            if (Text.Length == 0)
                return Start!;
            using var start = JsonDocument.Parse(Start!);
            var block = new OpaqueFields();
            foreach (JsonProperty property in start.RootElement.EnumerateObject())
            {
                if (property.Name != "input")
                    block.Add(property.Name, property.Value);
            }

            using JsonDocument? input = TryParse(Text.ToString());
            if (input is not null)
                block.Add("input", input.RootElement);
            return block.ToJson()!;
        }

        private static JsonDocument? TryParse(string json)
        {
            try
            {
                return JsonDocument.Parse(WireText.MendJson(json));
            }
            catch (JsonException)
            {
                return null;
            }
        }
    }
}
