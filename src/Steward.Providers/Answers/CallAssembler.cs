using System.Text;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Providers;

/// <summary>A piece of a tool call, as a stream brings it. Each field may be missing.</summary>
internal readonly record struct CallPiece(long? Index, string? Id, string? Name, string? Arguments);

/// <summary>A tool call that is being put together.</summary>
internal sealed class WireCall(long? index, int round)
{
    private JsonScan _scan;

    public long? Index { get; } = index;

    /// <summary>The list of pieces that last brought something of it: one list never holds one call twice.</summary>
    public int Round { get; set; } = round;

    public string? Id { get; set; }

    public StringBuilder Name { get; } = new();

    public StringBuilder Arguments { get; } = new();

    public OpaqueFields Fields { get; } = new();

    public OpaqueFields FunctionFields { get; } = new();

    /// <summary>Whether its arguments are one whole object.</summary>
    public bool IsComplete => _scan.IsComplete;

    /// <summary>Whether more of its arguments may come.</summary>
    public bool IsOpen => !_scan.IsComplete;

    public void Append(string arguments)
    {
        Arguments.Append(arguments);
        _scan.Add(arguments);
    }

    /// <summary>The call, with its arguments as they came. What is not one JSON object reaches the runtime as malformed, never as an empty
    /// object.</summary>
    /// <param name="origin">Where it came from.</param>
    /// <param name="confused">Whether the pieces of several calls cannot be told apart, so that none of them may be made.</param>
    public FunctionCallContent ToContent(string origin, bool confused)
    {
        string raw = WireText.MendJson(Arguments.ToString());
        string id = Id is null ? "" : WireText.Mend(Id);
        var call = new FunctionCallContent(id, WireText.Mend(Name.ToString()), new Dictionary<string, object?>());
        if (confused)
        {
            raw = $"(the pieces of several calls came mixed up) {raw}";
            call.Exception = new JsonException("The pieces of several calls came mixed up.");
        }
        else if (!string.IsNullOrWhiteSpace(raw))
        {
            call.Exception = Read(raw, call.Arguments!);
        }

        if (raw.Length > 0)
            call.AdditionalProperties = new() { [OpaqueContent.RawArguments] = raw };
        return OpaqueContent.Attach(call, new Opaque(origin, Fields.ToJson(FunctionFields, "function")));
    }

    private static JsonException? Read(string raw, IDictionary<string, object?> arguments)
    {
        try
        {
            // A name that stands twice would be one value to a person who approves it, and another to the tool.
            JsonElement root = JsonElement.Parse(raw, new JsonDocumentOptions { AllowDuplicateProperties = false });
            if (root.ValueKind != JsonValueKind.Object)
                return new JsonException("The arguments are not a JSON object.");
            foreach (JsonProperty property in root.EnumerateObject())
                arguments[property.Name] = property.Value;
            return null;
        }
        catch (JsonException e)
        {
            arguments.Clear();
            return e;
        }
    }
}

/// <summary>Puts the tool calls of a stream together from pieces whose ids and indexes may be missing, late or repeated.</summary>
/// <remarks>
/// A call is known by its position. A new id begins a new call, and so does a new name, or a name after a whole call. A piece without a
/// name belongs to the
/// one call that is open at its position. No call of the message is made where two are open, where a call never got its name, or where one
/// came to nothing without a position of its own. Nobody can then say whose arguments are whose.
/// </remarks>
internal sealed class CallAssembler(Wire wire)
{
    /// <summary>The most calls of one message.</summary>
    public const int MaxCalls = 1_024;

    private readonly List<WireCall> _calls = [];
    private bool _isConfused;
    private bool _isGuessed;
    private int _round;

    /// <summary>The calls, in the order in which they began.</summary>
    public IReadOnlyList<WireCall> Calls => _calls;

    /// <summary>A list of pieces begins.</summary>
    public void NextRound() => _round++;

    /// <summary>Takes a piece in.</summary>
    public WireCall Add(CallPiece piece)
    {
        WireCall? known = Find(piece);
        _isGuessed |= piece.Index is null
            || (known is null ? _calls.Exists(c => c.Index == piece.Index) : piece.Name is not null && known.Name.Length > 0);
        WireCall call = known ?? Begin(piece.Index);
        bool repeats = call is { IsComplete: true } && piece.Name is not null && call.Name.Equals(piece.Name);
        call.Round = _round;
        call.Id ??= piece.Id;
        if (piece.Name is { } name && !call.Name.Equals(name))
            call.Name.Append(name);
        if (piece.Arguments is { } arguments && !repeats)
            call.Append(arguments);
        return call;
    }

    /// <summary>A call of its own.</summary>
    public WireCall Begin(long? index)
    {
        if (_calls.Count == MaxCalls)
            throw wire.Error(ModelFailure.InvalidResponse, $"the answer has more than {MaxCalls} tool calls.");
        var call = new WireCall(index, _round);
        _calls.Add(call);
        return call;
    }

    /// <summary>A piece came that cannot be read, or belongs to no call here.</summary>
    public void Confuse() => _isConfused = true;

    /// <summary>The calls as content, in the order in which they began.</summary>
    public IReadOnlyList<FunctionCallContent> ToContents(string origin)
    {
        bool isConfused = _isConfused || _calls.Exists(c => c.Name.Length == 0);
        List<FunctionCallContent> contents = _calls.ConvertAll(c => c.ToContent(origin, isConfused));
        return !isConfused && _isGuessed && _calls.Count > 1 && contents.Exists(c => c.Exception is not null)
            ? _calls.ConvertAll(c => c.ToContent(origin, confused: true))
            : contents;
    }

    private WireCall? Find(CallPiece piece)
    {
        if (Nearest(piece) is not { } near)
            return null;
        if (piece.Id is not null && near.Id is not null && near.Id != piece.Id)
        {
            WireCall? named = _calls.FindLast(c => c.Id == piece.Id && c.Index == piece.Index);
            return named is { IsOpen: true } && (piece.Name is null || named.Name.Equals(piece.Name)) ? named : null;
        }

        if (piece.Name is not null && near.Name.Length > 0)
            return Named(piece, near);
        return piece.Id is null ? Open(piece, near) : near;
    }

    /// <summary>The call that a piece with a name continues; null when it begins another.</summary>
    private WireCall? Named(CallPiece piece, WireCall near)
    {
        if (near.Round == _round)
            return null;
        if (!near.Name.Equals(piece.Name))
            return piece.Id is not null && near.Id == piece.Id && near.Arguments.Length == 0 ? near : null; // A name in pieces.
        if (!near.IsComplete)
            return near;
        return string.IsNullOrWhiteSpace(piece.Arguments) || near.Arguments.Equals(piece.Arguments) ? near : null;
    }

    /// <summary>The call that a piece without a name and an id continues.</summary>
    private WireCall Open(CallPiece piece, WireCall near)
    {
        if (string.IsNullOrEmpty(piece.Arguments))
            return near;
        List<WireCall> open = _calls.FindAll(c => c.IsOpen && (piece.Index is null || c.Index == piece.Index));
        _isConfused |= open.Count > 1;
        return open.Count == 0 ? near : open[^1];
    }

    private WireCall? Nearest(CallPiece piece)
    {
        if (piece.Index is { } index)
        {
            // A server that gives an index only in the first piece, or only in the later ones.
            return _calls.FindLast(c => c.Index == index)
                ?? (piece.Name is null && _calls.FindAll(c => c.Index is null && c.IsOpen) is [var only] ? only : null);
        }

        if (piece.Id is not { } id)
            return _calls.Count == 0 ? null : _calls[^1];
        return _calls.FindLast(c => c.Id == id) ?? (_calls is [.., { Id: null } last] ? last : null);
    }
}

/// <summary>Follows JSON text as it comes, and knows when one object is whole.</summary>
internal struct JsonScan
{
    private int _depth;
    private bool _hasBegun;
    private bool _isInString;
    private bool _isEscaped;

    /// <summary>Whether the object that began has ended.</summary>
    public readonly bool IsComplete => _hasBegun && _depth == 0;

    public void Add(string text)
    {
        foreach (char c in text)
        {
            if (_isEscaped)
                _isEscaped = false;
            else if (_isInString)
                (_isInString, _isEscaped) = (c != '"', c == '\\');
            else if (c == '"')
                (_isInString, _hasBegun) = (true, true);
            else if (c is '{' or '[')
                (_depth, _hasBegun) = (_depth + 1, true);
            else if (c is '}' or ']')
                _depth--;
        }
    }
}
