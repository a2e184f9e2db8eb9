using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace Steward.Testing.Scripting;

/// <summary>Fills <c>{{name}}</c> in texts and arguments.</summary>
internal sealed class Template(IReadOnlyDictionary<string, JsonNode?> values, Situation situation, Func<string, Exception> fail)
{
    public string Text(string template)
    {
        int open = template.IndexOf("{{", StringComparison.Ordinal);
        if (open < 0)
            return template;
        var text = new StringBuilder();
        int at = 0;
        while (open >= 0)
        {
            int close = template.IndexOf("}}", open, StringComparison.Ordinal);
            if (close < 0)
                throw fail($"'{template}' opens '{{{{' and never closes it");
            text.Append(template, at, open - at).Append(Show(Value(template[(open + 2)..close])));
            at = close + 2;
            open = template.IndexOf("{{", at, StringComparison.Ordinal);
        }

        return text.Append(template, at, template.Length - at).ToString();
    }

    /// <summary>Fills a value; a text that is nothing but one name keeps the type of what it names.</summary>
    public JsonNode? Node(JsonNode? template) => template switch
    {
        JsonObject map => new JsonObject(map.Select(p => KeyValuePair.Create(p.Key, Node(p.Value)))),
        JsonArray array => new JsonArray([.. array.Select(Node)]),
        JsonValue value when value.TryGetValue(out string? text) => Filled(text),
        _ => template?.DeepClone(),
    };

    private JsonNode? Filled(string text) =>
        text.StartsWith("{{", StringComparison.Ordinal) && text.IndexOf("}}", StringComparison.Ordinal) == text.Length - 2
            ? Value(text[2..^2])?.DeepClone()
            : Text(text);

    private JsonNode? Value(string expression)
    {
        string[] parts = expression.Split('|', 2, StringSplitOptions.TrimEntries);
        JsonNode? value = Named(parts[0]);
        return parts.Length == 1
            ? value
            : parts[1] == "number"
            ? Number(parts[0], value)
            : throw fail($"'{{{{{expression}}}}}' has the filter '{parts[1]}'; there is only 'number'");
    }

    private JsonNode? Named(string name)
    {
        if (name.StartsWith('$'))
            return situation.LastResult is { } last && last.TryFind(name, out JsonNode? found)
                ? found
                : throw fail($"the last tool result has nothing at '{name}'");
        if (values.TryGetValue(name, out JsonNode? value))
            return value;
        return name switch
        {
            "user" => situation.User,
            "result" => situation.LastResult?.Text,
            _ => throw fail(
                $"nothing is captured as '{name}'; there is {string.Join(", ", values.Keys.Concat(["user", "result"]).Select(k => $"'{k}'"))}"),
        };
    }

    private JsonNode Number(string name, JsonNode? value) =>
        decimal.TryParse(Show(value), NumberStyles.Number, CultureInfo.InvariantCulture, out decimal number)
            ? number
            : throw fail($"'{name}' is '{Show(value)}', which is no number");

    private static string Show(JsonNode? value) => value switch
    {
        null => "",
        JsonValue scalar when scalar.TryGetValue(out string? text) => text,
        _ => value.ToJsonString(),
    };
}
