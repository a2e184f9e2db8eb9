using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Steward.Tools;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Steward.Declarative.Yaml;

/// <summary>A value and where it stands. Each reader says, when the value is of another kind, what it is and what to write.</summary>
internal readonly struct YamlValue(YamlNode node, YamlFile file)
{
    private const int MaxShown = 60;
    private static readonly SearchValues<char> s_amount = SearchValues.Create("0123456789.");

    public YamlFile File => file;

    public bool IsMap => node is YamlMappingNode;

    public bool IsList => node is YamlSequenceNode;

    public bool IsFlag => node is YamlScalarNode && Scalar() is bool;

    public bool IsText => node is YamlScalarNode && Scalar() is string;

    /// <summary>The value as a message shows it.</summary>
    public string Shown => node switch
    {
        YamlMappingNode => "a map",
        YamlSequenceNode => "a list",
        YamlScalarNode { Value: { Length: > 0 } text } =>
            $"'{(text.Length <= MaxShown ? text : text[..MaxShown] + "…").ReplaceLineEndings(" ")}'",
        _ => "nothing",
    };

    public AgentFileException Error(string message) => file.Error(node.Start.Line, node.Start.Column, message);

    /// <summary>A map that has no keys but these.</summary>
    public YamlMap Map(string what, IReadOnlyList<string> keys)
    {
        YamlMap map = Map(what);
        foreach ((YamlValue key, _) in map.Entries)
        {
            string name = key.Text();
            if (!keys.Contains(name))
                throw key.Error($"'{name}' is not a key of {what}. {NearestNames.Hint(name, keys)}");
        }

        return map;
    }

    /// <summary>A map of any keys.</summary>
    public YamlMap Map(string what)
    {
        if (node is not YamlMappingNode map)
            throw Error($"{Sentence(what)} is a map ('key: value' lines), not {Shown}.");
        YamlFile owner = file;
        return new YamlMap(this, what, [.. map.Children.Select(c => (new YamlValue(c.Key, owner), new YamlValue(c.Value, owner)))]);
    }

    public IReadOnlyList<YamlValue> List(string what)
    {
        if (node is not YamlSequenceNode list)
            throw Error($"{Sentence(what)} is a list (lines that start with '- '), not {Shown}.");
        YamlFile owner = file;
        return [.. list.Children.Select(c => new YamlValue(c, owner))];
    }

    public string Text() => node is YamlScalarNode && Scalar() is { } value
        ? value as string ?? throw Error($"A text is expected here; {Shown} is read as {Kind(value)}. Put it in quotes.")
        : throw Error($"A text is expected here, not {Shown}.");

    public string NonEmpty(string what) =>
        Text() is var text && !string.IsNullOrWhiteSpace(text)
            ? text
            : throw Error($"{Sentence(what)} is empty; write something or leave the key out.");

    /// <summary>A text to be said or looked for: it may be empty, and a plain number also is one.</summary>
    public string Words() => IsText ? Text() : Label();

    /// <summary>A text; a plain number also is one, such as a version.</summary>
    public string Label() =>
        node is YamlScalarNode { Value: { Length: > 0 } text } && Scalar() is string or long or decimal
            ? text
            : throw Error($"A text is expected here, not {Shown}.");

    public bool Flag() =>
        node is YamlScalarNode && Scalar() is bool flag
            ? flag
            : throw Error($"{Shown} is neither true nor false. Write one of them, without quotes.");

    public int Whole(int least, int most = int.MaxValue) => (int)Long(least, most);

    public long Long(long least, long most = long.MaxValue)
    {
        if (node is YamlScalarNode && Scalar() is long value && value >= least && value <= most)
            return value;
        string range = string.Create(
            CultureInfo.InvariantCulture,
            $"from {least}{(most is int.MaxValue or long.MaxValue ? "" : string.Create(CultureInfo.InvariantCulture, $" to {most}"))}");
        throw Error($"{Shown} is not a whole number {range}. Write the digits alone, without quotes or separators.");
    }

    public decimal Number() => Decimal() ?? throw Error($"{Shown} is not a number. Write one such as 10 or 2.5, without quotes.");

    public decimal Usd() =>
        Decimal() is { } value and >= 0
            ? value
            : throw Error($"{Shown} is not an amount of US dollars. Write a number from 0 such as 0.50, without '$' and quotes.");

    public TimeSpan Duration(TimeSpan least, TimeSpan most)
    {
        TimeSpan value = ReadDuration() ?? throw Error($"{Shown} is not a time. Write a number with its unit: 500ms, 30s, 5m, 2h or 1d.");
        return value >= least && value <= most
            ? value
            : throw Error($"{Shown} is out of range: at least {Show(least)}, at most {Show(most)}.");
    }

    public T OneOf<T>(string what, IReadOnlyDictionary<string, T> choices)
    {
        string text = Text();
        return choices.TryGetValue(text, out T? value)
            ? value
            : throw Error($"'{text}' is not {what}. {NearestNames.Hint(text, [.. choices.Keys])}");
    }

    /// <summary>The value as JSON, with the types that YAML gives plain scalars.</summary>
    public JsonElement Json() => JsonSerializer.SerializeToElement(Node());

    private JsonNode? Node()
    {
        switch (node)
        {
            case YamlMappingNode:
                var json = new JsonObject();
                foreach ((YamlValue key, YamlValue value) in Map("this").Entries)
                    json[key.Label()] = value.Node();
                return json;
            case YamlSequenceNode:
                return new JsonArray([.. List("this").Select(v => v.Node())]);
            default:
                return Scalar() switch
                {
                    bool flag => JsonValue.Create(flag),
                    long whole => JsonValue.Create(whole),
                    decimal number => JsonValue.Create(number),
                    string text => JsonValue.Create(text),
                    _ => null,
                };
        }
    }

    /// <summary>What a scalar is by YAML's core schema: null, a bool, a long, a decimal or a text.</summary>
    private object? Scalar()
    {
        var scalar = (YamlScalarNode)node;
        string text = scalar.Value ?? "";
        if (scalar.Style is not (ScalarStyle.Plain or ScalarStyle.Any)
            || (!scalar.Tag.IsEmpty && scalar.Tag.Value == "tag:yaml.org,2002:str"))
            return text;
        return text switch
        {
            "" or "~" or "null" or "Null" or "NULL" => null,
            "true" or "True" or "TRUE" => true,
            "false" or "False" or "FALSE" => false,
            _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole) => whole,
            _ when char.IsAsciiDigit(text[^1])
                && decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) => number,
            _ => text,
        };
    }

    private decimal? Decimal() => node is not YamlScalarNode ? null : Scalar() switch
    {
        long whole => whole,
        decimal number => number,
        _ => null,
    };

    private TimeSpan? ReadDuration()
    {
        if (node is not YamlScalarNode || Scalar() is not string text)
            return null;
        int digits = text.AsSpan().IndexOfAnyExcept(s_amount);
        if (digits <= 0
            || !decimal.TryParse(text.AsSpan(0, digits), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal amount)
            || amount > 1_000_000_000)
            return null;
        long ticks = text[digits..] switch
        {
            "ms" => TimeSpan.TicksPerMillisecond,
            "s" => TimeSpan.TicksPerSecond,
            "m" => TimeSpan.TicksPerMinute,
            "h" => TimeSpan.TicksPerHour,
            "d" => TimeSpan.TicksPerDay,
            _ => 0,
        };
        return ticks == 0 || amount * ticks > TimeSpan.MaxValue.Ticks ? null : TimeSpan.FromTicks((long)(amount * ticks));
    }

    private static string Show(TimeSpan time)
    {
        if (time.TotalDays >= 1)
            return string.Create(CultureInfo.InvariantCulture, $"{time.TotalDays}d");
        return time.TotalSeconds >= 1
            ? string.Create(CultureInfo.InvariantCulture, $"{time.TotalSeconds}s")
            : string.Create(CultureInfo.InvariantCulture, $"{time.TotalMilliseconds}ms");
    }

    private static string Kind(object value) => value is bool ? "true or false" : "a number";

    private static string Sentence(string what) => char.ToUpperInvariant(what[0]) + what[1..];
}
