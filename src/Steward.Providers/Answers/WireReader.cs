using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers;

/// <summary>Reads one answer of a wire, event by event, into updates. Text is handed on as it comes; tool calls only once the answer is
/// known to be whole.</summary>
internal abstract class WireReader(Endpoint endpoint)
{
    /// <summary>The most characters of one answer: text, reasoning, arguments and opaque data together.</summary>
    public const int MaxCharacters = 8 * 1024 * 1024;

    private const int FineUpdates = 4_096;
    private const int CoarseText = 1_024;

    private readonly List<ChatResponseUpdate> _ready = [];
    private readonly StringBuilder _text = new();
    private int _updates;
    private int _characters;
    private string? _id;
    private string? _model;

    /// <summary>Whether the end of the answer was read, so that no more bytes are wanted.</summary>
    public bool IsOver { get; protected set; }

    /// <summary>Whether anything of an answer has come.</summary>
    public bool HasBegun { get; protected set; }

    /// <summary>What was reported of the usage so far.</summary>
    public abstract UsageDetails? Usage { get; }

    protected Endpoint Endpoint { get; } = endpoint;

    protected Wire Wire => Endpoint.Wire;

    protected UsageCounts Counts { get; } = new();

    /// <summary>What can be handed on now.</summary>
    public IReadOnlyList<ChatResponseUpdate> Take()
    {
        ChatResponseUpdate[] ready = [.. _ready];
        _ready.Clear();
        return ready;
    }

    /// <summary>Reads an event.</summary>
    public void Read(ServerEvent answer)
    {
        if (answer.IsDone)
        {
            IsOver = true;
            OnDone();
            return;
        }

        ReadOnlyMemory<byte> json = WireText.Readable(answer.Data);
        using JsonDocument? document = Parse(answer, json);
        if (document?.RootElement is not { } root)
            return;
        if (ErrorAnswer.InAnswer(root, answer.Name) is { } error)
            throw error.ToException(Wire, notBilled: !HasBegun);
        if (answer.IsWhole)
            ReadWhole(root);
        else if (root.ValueKind == JsonValueKind.Object)
            ReadEvent(root, answer.Name);
    }

    /// <summary>The bytes are at their end: hands on what was held back.</summary>
    /// <exception cref="ModelException">The answer is not whole.</exception>
    public void End()
    {
        (List<AIContent> contents, ChatFinishReason finish) = Finish();
        Flush();
        bool hasOutput = _updates > 0 || contents.Count > 0;
        // Words or calls that cost no token cannot be: such a count is not believed.
        if (Usage is { } usage && !(hasOutput && usage.OutputTokenCount == 0))
            contents.Add(new UsageContent(usage));
        Hand(contents, finish);
    }

    /// <summary>Reads a plain answer.</summary>
    protected abstract void ReadWhole(JsonElement root);

    /// <summary>Reads an event of a stream.</summary>
    protected abstract void ReadEvent(JsonElement root, string? name);

    /// <summary>The stream said that it is done.</summary>
    protected virtual void OnDone()
    {
    }

    /// <summary>Says how the answer ended, and gives what was held back.</summary>
    protected abstract (List<AIContent> Contents, ChatFinishReason Finish) Finish();

    protected ModelException Broken() =>
        Wire.Error(ModelFailure.StreamInterrupted, "the stream ended before the model said that it had finished.");

    /// <summary>An answer that somebody broke off, if its ending says so: what came is no answer, and is asked for again.</summary>
    /// <remarks>Other unknown endings count as a normal one: servers write many words for it.</remarks>
    protected ModelException? CutOff(string? ending) => ending?.ToUpperInvariant() switch
    {
        // "abort" is vLLM's and SGLang's.
        "ABORT" or "ABORTED" or "CANCELLED" or "CANCELED" or "TIMEOUT" =>
            Wire.Error(ModelFailure.StreamInterrupted, $"the server cut the answer off ({Wire.Quote(ending)})."),
        _ => null,
    };

    protected ModelException NotThisProtocol() =>
        Wire.Error(ModelFailure.InvalidResponse, "the answer lacks what the provider's protocol promises.");

    /// <summary>Notes the answer's id and the model's name.</summary>
    protected void Identify(JsonElement root)
    {
        _id ??= WireText.Of(root, "id") is { } id ? WireText.Mend(id) : null;
        _model ??= WireText.Of(root, "model") is { } model ? WireText.Mend(model) : null;
    }

    /// <summary>Counts what an answer makes this process keep.</summary>
    protected void Keep(int characters)
    {
        _characters += characters;
        if (_characters > MaxCharacters)
        {
            throw Wire.Error(
                ModelFailure.InvalidResponse, $"the answer has more than {MaxCharacters} characters, so the rest was not read.");
        }
    }

    /// <summary>Hands text on. After some thousand pieces it goes in larger ones, so that a flood of tiny events costs no more memory than
    /// their text.</summary>
    protected void Say(string text)
    {
        if (text.Length == 0)
            return;
        _text.Append(text);
        if (_updates < FineUpdates || _text.Length >= CoarseText)
            Flush();
    }

    /// <summary>Hands content on, behind the text so far.</summary>
    protected void Give(AIContent content)
    {
        Flush();
        Hand([content], null);
    }

    private void Flush()
    {
        if (_text.Length == 0)
            return;
        Hand([new TextContent(_text.ToString())], null);
        _text.Clear();
    }

    private void Hand(IList<AIContent> contents, ChatFinishReason? finish)
    {
        _updates++;
        _ready.Add(new ChatResponseUpdate(ChatRole.Assistant, contents)
        {
            ResponseId = _id,
            MessageId = _id,
            ModelId = _model,
            FinishReason = finish,
        });
    }

    private JsonDocument? Parse(ServerEvent answer, ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonDocument.Parse(json);
        }
        catch (JsonException) when (!answer.IsWhole && answer.Name is "ping" or "keepalive" or "keep-alive" or "heartbeat")
        {
            return null;
        }
        catch (JsonException e)
        {
            throw Wire.Error(ModelFailure.InvalidResponse, "the answer is not valid JSON.", e);
        }
    }
}
