using System.Runtime.InteropServices;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Steward.JsonSchemas.Formats;

namespace Steward.JsonSchemas;

[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Object = 4,
    Array = 8,
    Number = 16,
    String = 32,
    Integer = 64,
}

internal sealed class TypeKeyword(SchemaNode owner, JsonTypes types, string[] names) : Assertion("type", owner)
{
    public static JsonTypes Parse(string name) => name switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "object" => JsonTypes.Object,
        "array" => JsonTypes.Array,
        "number" => JsonTypes.Number,
        "string" => JsonTypes.String,
        "integer" => JsonTypes.Integer,
        _ => JsonTypes.None,
    };

    protected override bool Check(JsonElement instance) => instance.ValueKind switch
    {
        JsonValueKind.Null => Allows(JsonTypes.Null),
        JsonValueKind.True or JsonValueKind.False => Allows(JsonTypes.Boolean),
        JsonValueKind.Object => Allows(JsonTypes.Object),
        JsonValueKind.Array => Allows(JsonTypes.Array),
        JsonValueKind.String => Allows(JsonTypes.String),
        _ => Allows(JsonTypes.Number) || (Allows(JsonTypes.Integer) && JsonValues.IsInteger(instance)),
    };

    protected override string Explain(string subject, JsonElement instance) =>
        $"{subject} must be {string.Join(" or ", names.Select(WithArticle))}, but is {JsonValues.Quote(instance)}.";

    private bool Allows(JsonTypes type) => (types & type) != 0;

    private static string WithArticle(string type) => type switch
    {
        "null" => type,
        "array" or "integer" or "object" => "an " + type,
        _ => "a " + type,
    };
}

internal sealed class ConstKeyword(SchemaNode owner, JsonElement expected) : Assertion("const", owner)
{
    protected override bool Check(JsonElement instance) => JsonValues.DeepEquals(expected, instance);

    protected override string Explain(string subject, JsonElement instance) =>
        $"{subject} must be {JsonValues.Shorten(expected.GetRawText())}, but is {JsonValues.Quote(instance)}.";
}

internal sealed class EnumKeyword(SchemaNode owner, JsonElement values) : Assertion("enum", owner)
{
    private const int Shown = 20;

    private readonly JsonElement[] _values = [.. values.EnumerateArray()];

    protected override bool Check(JsonElement instance)
    {
        foreach (JsonElement value in _values)
        {
            if (JsonValues.DeepEquals(value, instance))
                return true;
        }

        return false;
    }

    protected override string Explain(string subject, JsonElement instance)
    {
        string list = string.Join(", ", _values.Take(Shown).Select(value => JsonValues.Shorten(value.GetRawText())));
        string more = _values.Length > Shown ? $" and {_values.Length - Shown} more" : "";
        return $"{subject} must be one of {list}{more}, but is {JsonValues.Quote(instance)}.";
    }
}

internal sealed class LimitKeyword(string name, SchemaNode owner, JsonElement limit) : Assertion(name, owner)
{
    private readonly long? _whole = limit.TryGetInt64(out long whole) ? whole : null;
    private readonly JsonNumber _exact = JsonNumber.Parse(JsonMarshal.GetRawUtf8Value(limit));
    private readonly decimal? _short = JsonNumber.TryDecimal(JsonMarshal.GetRawUtf8Value(limit), out decimal value) ? value : null;

    protected override bool Check(JsonElement instance)
    {
        if (instance.ValueKind != JsonValueKind.Number)
            return true;

        int order = _whole is { } bound && instance.TryGetInt64(out long number)
            ? number.CompareTo(bound)
            : Compare(JsonMarshal.GetRawUtf8Value(instance));
        return Name switch
        {
            "minimum" => order >= 0,
            "maximum" => order <= 0,
            "exclusiveMinimum" => order > 0,
            _ => order < 0,
        };
    }

    protected override string Explain(string subject, JsonElement instance) =>
        $"{subject} must be {Words} {JsonValues.Shorten(limit.GetRawText())}, but is {JsonValues.Quote(instance)}.";

    private string Words => Name switch
    {
        "minimum" => "at least",
        "maximum" => "at most",
        "exclusiveMinimum" => "greater than",
        _ => "less than",
    };

    private int Compare(ReadOnlySpan<byte> raw) =>
        _short is { } bound && JsonNumber.TryDecimal(raw, out decimal value)
            ? value.CompareTo(bound)
            : JsonNumber.Parse(raw).CompareTo(_exact);
}

internal sealed class MultipleOfKeyword(SchemaNode owner, JsonElement divisor) : Assertion("multipleOf", owner)
{
    private readonly JsonNumber _exact = JsonNumber.Parse(JsonMarshal.GetRawUtf8Value(divisor));
    private readonly decimal? _short = JsonNumber.TryDecimal(JsonMarshal.GetRawUtf8Value(divisor), out decimal value) ? value : null;

    public bool IsUsable => _exact.IsPositive;

    protected override bool Check(JsonElement instance)
    {
        if (instance.ValueKind != JsonValueKind.Number)
            return true;

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(instance);
        return _short is { } small && raw.Length <= 14 && JsonNumber.TryDecimal(raw, out decimal value)
            ? value % small == 0
            : JsonNumber.Parse(raw).IsMultipleOf(_exact);
    }

    protected override string Explain(string subject, JsonElement instance) =>
        $"{subject} must be a multiple of {JsonValues.Shorten(divisor.GetRawText())}, but is {JsonValues.Quote(instance)}.";
}

/// <summary>The six keywords that bound a count: characters, items or properties.</summary>
internal sealed class CountKeyword(string name, SchemaNode owner, int limit) : Assertion(name, owner)
{
    private readonly bool _isMin = name.StartsWith("min", StringComparison.Ordinal);
    private readonly string _unit = name[3..] switch { "Length" => "character", "Items" => "item", _ => "property" };

    protected override bool Check(JsonElement instance) =>
        CountOf(instance) is not { } count || (_isMin ? count >= limit : count <= limit);

    protected override string Explain(string subject, JsonElement instance) =>
        $"{subject} must have {(_isMin ? "at least" : "at most")} {limit} {Units(limit)}, but has {CountOf(instance)}.";

    private string Units(int count) => count == 1 ? _unit : _unit == "property" ? "properties" : _unit + "s";

    private int? CountOf(JsonElement instance) => (_unit, instance.ValueKind) switch
    {
        ("character", JsonValueKind.String) => JsonValues.CodePoints(instance),
        ("item", JsonValueKind.Array) => instance.GetArrayLength(),
        ("property", JsonValueKind.Object) => instance.GetPropertyCount(),
        _ => null,
    };
}

internal sealed class PatternKeyword(SchemaNode owner, EcmaPattern pattern) : Keyword("pattern", owner)
{
    public override bool Evaluate(ref Evaluation run, JsonElement instance, Evaluated? seen)
    {
        try
        {
            return Check(instance) || (run.Collects && run.Fail(
                this,
                $"{run.Subject} must match the pattern \"{JsonValues.Shorten(pattern.Source)}\", but is {JsonValues.Quote(instance)}."));
        }
        catch (RegexMatchTimeoutException e)
        {
            return run.StopAtPattern(Pointer, e);
        }
    }

    private bool Check(JsonElement instance)
    {
        if (instance.ValueKind != JsonValueKind.String)
            return true;

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(instance)[1..^1];
        if (raw.Length > 256 || raw.Contains((byte)'\\'))
            return pattern.IsMatch(instance.GetString());

        Span<char> text = stackalloc char[256];
        return pattern.IsMatch(text[..Encoding.UTF8.GetChars(raw, text)]);
    }
}

internal sealed class FormatKeyword(SchemaNode owner, string format, FormatCheck check) : Assertion("format", owner)
{
    protected override bool Check(JsonElement instance)
    {
        if (instance.ValueKind != JsonValueKind.String)
            return true;

        ReadOnlySpan<byte> raw = JsonMarshal.GetRawUtf8Value(instance)[1..^1];
        if (raw.Length > 256 || raw.Contains((byte)'\\'))
            return check(instance.GetString());

        Span<char> text = stackalloc char[256];
        return check(text[..Encoding.UTF8.GetChars(raw, text)]);
    }

    protected override string Explain(string subject, JsonElement instance) =>
        $"{subject} must be a valid {format}{Formats.FormatChecks.Example(format)}, but is {JsonValues.Quote(instance)}.";
}

internal sealed class UniqueItemsKeyword(SchemaNode owner) : Assertion("uniqueItems", owner)
{
    private const int PairwiseLimit = 8;

    protected override bool Check(JsonElement instance) => FirstTwins(instance) is null;

    protected override string Explain(string subject, JsonElement instance)
    {
        (int first, int second) = FirstTwins(instance)!.Value;
        return $"{subject} must have no equal items, but items {first} and {second} are both {JsonValues.Quote(instance[second])}.";
    }

    private static (int First, int Second)? FirstTwins(JsonElement instance)
    {
        if (instance.ValueKind != JsonValueKind.Array)
            return null;

        int length = instance.GetArrayLength();
        return length <= PairwiseLimit ? TwinsByPair(instance, length) : TwinsByHash(instance);
    }

    private static (int First, int Second)? TwinsByPair(JsonElement instance, int length)
    {
        for (int second = 1; second < length; second++)
        {
            for (int first = 0; first < second; first++)
            {
                if (JsonValues.DeepEquals(instance[first], instance[second]))
                    return (first, second);
            }
        }

        return null;
    }

    /// <summary>Equal values have equal canonical bytes, which keeps a long list out of quadratic time.</summary>
    private static (int First, int Second)? TwinsByHash(JsonElement instance)
    {
        Dictionary<string, int> places = new(StringComparer.Ordinal);
        int index = 0;
        foreach (JsonElement item in instance.EnumerateArray())
        {
            string key = Encoding.UTF8.GetString(CanonicalJson.Write(item));
            if (!places.TryAdd(key, index))
                return (places[key], index);
            index++;
        }

        return null;
    }
}
