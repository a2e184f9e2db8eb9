using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Steward.Retail.Data;

/// <summary>JSON and numbers in the spelling of the data set, which a Python program wrote: observations and hashes are compared by their letters.</summary>
internal static class PythonJson
{
    /// <summary>A value on one line, names in their order, with a space after each comma and colon.</summary>
    public static string Write(JsonNode? value) => Write(value, sorted: false, ", ", ": ");

    /// <summary>A value without white space, names sorted: equal values give equal texts.</summary>
    public static string Canonical(JsonNode? value) => Write(value, sorted: true, ",", ":");

    /// <summary>A number that was calculated, as JSON that keeps its spelling.</summary>
    public static JsonNode Number(double value) => JsonNode.Parse(Repr(value))!;

    /// <summary>The shortest digits that give the number back, always with a fraction or an exponent. (Python's exponent begins at 1e16, this one at 1e17: no amount of a shop.)</summary>
    public static string Repr(double value)
    {
        string text = value.ToString("R", CultureInfo.InvariantCulture).ToLowerInvariant();
        return text.AsSpan().ContainsAny('.', 'e') ? text : text + ".0";
    }

    /// <summary>Rounds to cents by the number's exact binary value; <c>Math.Round</c> would scale it first and round something else.</summary>
    public static double Cents(double value) =>
        double.Parse(value.ToString("F2", CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);

    private static string Write(JsonNode? value, bool sorted, string comma, string colon)
    {
        var text = new StringBuilder();
        Append(value);
        return text.ToString();

        void Append(JsonNode? node)
        {
            switch (node)
            {
                case null:
                    text.Append("null");
                    break;
                case JsonObject map:
                    AppendAll<KeyValuePair<string, JsonNode?>>('{', sorted ? map.OrderBy(m => m.Key, StringComparer.Ordinal) : map, '}', member =>
                    {
                        AppendText(member.Key);
                        text.Append(colon);
                        Append(member.Value);
                    });
                    break;
                case JsonArray list:
                    AppendAll('[', list, ']', Append);
                    break;
                case JsonValue scalar when scalar.GetValueKind() == JsonValueKind.String:
                    AppendText(scalar.GetValue<string>());
                    break;
                default:
                    text.Append(node.ToJsonString());
                    break;
            }
        }

        void AppendAll<T>(char open, IEnumerable<T> items, char close, Action<T> append)
        {
            text.Append(open);
            bool first = true;
            foreach (T item in items)
            {
                text.Append(first ? "" : comma);
                first = false;
                append(item);
            }

            text.Append(close);
        }

        void AppendText(string value)
        {
            text.Append('"');
            foreach (char c in value)
                AppendCharacter(text, c);
            text.Append('"');
        }
    }

    private static void AppendCharacter(StringBuilder text, char c) => _ = c switch
    {
        '"' => text.Append("\\\""),
        '\\' => text.Append(@"\\"),
        '\n' => text.Append(@"\n"),
        '\r' => text.Append(@"\r"),
        '\t' => text.Append(@"\t"),
        '\b' => text.Append(@"\b"),
        '\f' => text.Append(@"\f"),
        < ' ' or > '~' => text.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:x4}"),
        _ => text.Append(c),
    };
}
