using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Steward.Storage;

/// <summary>Walks JSON that came from outside and finds the first text in it that is none.</summary>
internal ref struct InputJson
{
    /// <summary>The deepest that JSON from outside may be nested: less than the 64 levels that readers of it take, as it is
    /// wrapped.</summary>
    public const int MaxDepth = 48;

    private const int MaxPath = 100;

    private readonly string _root;
    private readonly Stack<Place> _places;
    private Utf8JsonReader _reader;

    private InputJson(string root, ReadOnlySpan<byte> json)
    {
        _root = root;
        _places = new Stack<Place>();
        _reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = 2 * MaxDepth });
    }

    /// <exception cref="InvalidInputException">It is not JSON, too deep, has a name twice in one object, or a text that is
    /// none.</exception>
    public static void Check(string field, ReadOnlySpan<byte> json)
    {
        var walk = new InputJson(field, json);
        try
        {
            while (walk._reader.Read())
                walk.Visit();
        }
        catch (JsonException e)
        {
            string path = walk.Path();
            throw new InvalidInputException(path, $"'{path}' is not JSON: {e.Message}");
        }
    }

    private void Visit()
    {
        switch (_reader.TokenType)
        {
            case JsonTokenType.StartObject:
                Enter(isObject: true);
                break;
            case JsonTokenType.StartArray:
                Enter(isObject: false);
                break;
            case JsonTokenType.EndObject or JsonTokenType.EndArray:
                _places.Pop();
                break;
            case JsonTokenType.PropertyName:
                Name();
                break;
            case JsonTokenType.String:
                Count();
                if (FaultOf(out _) is { } fault)
                    throw Refuse(Path(), fault);
                break;
            default:
                Count();
                break;
        }
    }

    private readonly void Enter(bool isObject)
    {
        Count();
        if (_places.Count == MaxDepth)
            throw new InvalidInputException(
                _root.Length == 0 ? "body" : _root,
                string.Create(CultureInfo.InvariantCulture, $"'{Path()}' is nested more than {MaxDepth} levels deep; write it flatter."));
        _places.Push(new Place(isObject));
    }

    private readonly void Name()
    {
        Place place = _places.Peek();
        place.Name = null;
        if (FaultOf(out string? name) is { } fault)
            throw Refuse(Path(), $"has a field whose name {fault}");
        if (!place.Names.Add(name!))
            throw Refuse(Path(), $"has the field '{InputText.Show(name!)}' twice");
        place.Name = name;
    }

    private readonly void Count()
    {
        if (_places.TryPeek(out Place? place))
            place.Index++;
    }

    /// <summary>What is wrong with the text that the reader is at; its value where nothing is.</summary>
    private readonly string? FaultOf(out string? name)
    {
        name = null;
        ReadOnlySpan<byte> raw = _reader.ValueSpan;
        bool isName = _reader.TokenType == JsonTokenType.PropertyName;
        if (!_reader.ValueIsEscaped)
        {
            if (!Utf8.IsValid(raw))
                return "is not valid UTF-8";
            if (isName)
                name = Encoding.UTF8.GetString(raw);
            return null;
        }

        char[] buffer = ArrayPool<char>.Shared.Rent(raw.Length);
        try
        {
            Span<char> text = buffer.AsSpan(0, _reader.CopyString(buffer));
            if (isName)
                name = text.ToString();
            return InputText.FaultOf(text);
        }
        catch (InvalidOperationException)
        {
            // The reader's way to say that an escape is half of a pair, or that the bytes are no UTF-8.
            return Utf8.IsValid(raw) ? "has half of a surrogate pair" : "is not valid UTF-8";
        }
        finally
        {
            ArrayPool<char>.Shared.Return(buffer);
        }
    }

    private static InvalidInputException Refuse(string path, string fault) =>
        new(path, $"'{path}' {fault}; send whole characters in UTF-8, and no U+0000.");

    private readonly string Path()
    {
        var path = new StringBuilder(_root);
        foreach (Place place in _places.Reverse())
        {
            if (place.IsObject && place.Name is { } name)
                path.Append(path.Length == 0 ? "" : ".").Append(InputText.Show(name));
            else if (!place.IsObject)
                path.Append(CultureInfo.InvariantCulture, $"[{Math.Max(0, place.Index)}]");
        }

        return path.Length switch
        {
            0 => "body",
            > MaxPath => $"{path.ToString(0, MaxPath)}…",
            _ => path.ToString(),
        };
    }

    private sealed class Place(bool isObject)
    {
        public bool IsObject { get; } = isObject;

        public HashSet<string> Names { get => field ??= new(StringComparer.Ordinal); }

        public string? Name { get; set; }

        public int Index { get; set; } = -1;
    }
}
