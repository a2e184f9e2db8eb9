using System.Buffers;
using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Steward.Testing.Scripting;

/// <summary>A YAML value and where it stands.</summary>
internal readonly struct YamlValue(YamlNode node, string path)
{
    private static readonly SearchValues<char> s_digits = SearchValues.Create("0123456789.");

    public bool IsMap => node is YamlMappingNode;

    public bool IsList => node is YamlSequenceNode;

    public ScriptException Error(string message, Exception? inner = null) => new(path, node.Start.Line, message + ".", inner);

    /// <summary>Checks that this is a map of nothing but these keys.</summary>
    public void Allow(string what, params ReadOnlySpan<string> keys)
    {
        foreach ((string key, YamlValue value) in Entries(what))
        {
            if (!keys.Contains(key))
                throw value.Error($"'{key}' is not a key of {what}; expected {string.Join(", ", keys!)}");
        }
    }

    public IEnumerable<(string Key, YamlValue Value)> Entries(string what)
    {
        if (node is not YamlMappingNode map)
            throw Error($"{what} is a map of keys and values, not {Kind}");
        List<(string, YamlValue)> entries = [];
        foreach ((YamlNode key, YamlNode value) in map.Children)
            entries.Add((new YamlValue(key, path).Text(), new YamlValue(value, path)));
        return entries;
    }

    public IEnumerable<YamlValue> Items(string what)
    {
        if (node is not YamlSequenceNode list)
            throw Error($"{what} is a list: lines that start with '- ', not {Kind}");
        string file = path;
        return [.. list.Children.Select(item => new YamlValue(item, file))];
    }

    public YamlValue? Find(string key)
    {
        foreach ((YamlNode name, YamlNode value) in ((YamlMappingNode)node).Children)
        {
            if (name is YamlScalarNode scalar && scalar.Value == key)
                return new YamlValue(value, path);
        }

        return null;
    }

    public string Text() => node is YamlScalarNode { Value: { } text }
        ? text
        : throw Error($"a text was expected, not {Kind}; put texts that start with '{{{{' in quotes");

    public bool Flag() => Text() switch
    {
        "true" => true,
        "false" => false,
        string other => throw Error($"'{other}' is neither true nor false"),
    };

    public decimal Decimal() => decimal.TryParse(Text(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out decimal value)
        ? value
        : throw Error($"'{Text()}' is not an amount of US dollars; write one such as 2.50");

    public int Whole(int least, string or = "") => int.TryParse(Text(), NumberStyles.None, CultureInfo.InvariantCulture, out int value) && value >= least
        ? value
        : throw Error($"'{Text()}' is not a whole number from {least.ToString(CultureInfo.InvariantCulture)}{or}");

    public TimeSpan Duration()
    {
        string text = Text();
        int digits = text.AsSpan().IndexOfAnyExcept(s_digits);
        if (digits > 0 && double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double amount))
        {
            switch (text[digits..])
            {
                case "ms":
                    return TimeSpan.FromMilliseconds(amount);
                case "s":
                    return TimeSpan.FromSeconds(amount);
                case "m":
                    return TimeSpan.FromMinutes(amount);
            }
        }

        throw Error($"'{text}' is not a time; write one such as 200ms, 1.5s or 2m");
    }

    /// <summary>The value as JSON, with the types that YAML gives plain scalars; a quoted one is a text.</summary>
    public JsonNode? Json()
    {
        string file = path;
        return node switch
        {
            YamlMappingNode => new JsonObject(Entries("a map").Select(e => KeyValuePair.Create(e.Key, e.Value.Json()))),
            YamlSequenceNode list => new JsonArray([.. list.Children.Select(item => new YamlValue(item, file).Json())]),
            YamlScalarNode { Style: ScalarStyle.Plain } scalar => Plain(scalar.Value ?? ""),
            _ => Text(),
        };
    }

    private string Kind => node switch
    {
        YamlMappingNode => "a map",
        YamlSequenceNode => "a list",
        _ => $"'{node}'",
    };

    private static JsonNode? Plain(string text) => text switch
    {
        "" or "~" or "null" => null,
        "true" => true,
        "false" => false,
        _ when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long whole) => whole,
        _ when decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out decimal number) => number,
        _ => text,
    };
}
