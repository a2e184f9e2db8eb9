using System.Globalization;
using System.Text.Json;

namespace Steward.Tools.Declarative;

/// <summary>A path to one place in JSON: a JSON Pointer (<c>/items/0/id</c>), or
/// names and indexes (<c>items[0].id</c>, <c>$.items[-1]['odd name']</c>).</summary>
/// <remarks>JSON Pointer is RFC 6901. The other form has the singular queries of JSONPath (RFC 9535);
/// <c>$.</c> at its start may be left out. There are no wildcards, filters and slices.</remarks>
public sealed class JsonPath
{
    private readonly string _text;
    private readonly string[] _steps;

    private JsonPath(string text, string[] steps)
    {
        _text = text;
        _steps = steps;
    }

    /// <summary>Reads a path.</summary>
    /// <exception cref="FormatException">It is not a path; the message shows how one is written.</exception>
    public static JsonPath Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return new JsonPath(text, text.StartsWith('/') ? Pointer(text) : Names(text));
    }

    /// <summary>Refuses a text that is not a path, for one who was given it as an argument.</summary>
    internal static void Check(string? text, string owner)
    {
        try
        {
            if (text is not null)
                Parse(text);
        }
        catch (FormatException e)
        {
            throw new ArgumentException($"{owner}: {e.Message}");
        }
    }

    /// <summary>The value at the path; null where there is none.</summary>
    public JsonElement? Find(JsonElement root)
    {
        JsonElement at = root;
        foreach (string step in _steps)
        {
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(step, out JsonElement property))
                at = property;
            else if (at.ValueKind == JsonValueKind.Array && Index(step, at.GetArrayLength()) is { } index)
                at = at[index];
            else
                return null;
        }

        return at;
    }

    /// <summary>The path as it was written.</summary>
    public override string ToString() => _text;

    private static int? Index(string step, int length)
    {
        if (!int.TryParse(step, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index))
            return null;
        if (index < 0)
            index += length;
        return index >= 0 && index < length ? index : null;
    }

    private static string[] Pointer(string text) =>
        [.. text[1..].Split('/').Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal))];

    private static string[] Names(string text)
    {
        List<string> steps = [];
        int at = text.StartsWith('$') ? 1 : 0;
        bool first = at == 0;
        while (at < text.Length)
        {
            if (text[at] == '[')
            {
                steps.Add(Bracket(text, ref at));
            }
            else
            {
                if (text[at] == '.')
                    at++;
                else if (!first)
                    throw Bad(text);
                int end = text.AsSpan(at).IndexOfAny('.', '[') is var stop and >= 0 ? at + stop : text.Length;
                steps.Add(end > at && !text.AsSpan(at, end - at).ContainsAny(']', '*') ? text[at..end] : throw Bad(text));
                at = end;
            }

            first = false;
        }

        return [.. steps];
    }

    private static string Bracket(string text, ref int at)
    {
        if (at + 1 < text.Length && text[at + 1] is '\'' or '"')
        {
            char quote = text[at + 1];
            int end = text.IndexOf($"{quote}]", at + 2, StringComparison.Ordinal);
            string name = end < 0 ? throw Bad(text) : text[(at + 2)..end];
            at = end + 2;
            return name;
        }

        int close = text.IndexOf(']', at);
        string index = close < 0 ? throw Bad(text) : text[(at + 1)..close];
        at = close + 1;
        return int.TryParse(index, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? index : throw Bad(text);
    }

    private static FormatException Bad(string text) =>
        new($"'{text}' is not a path. Write one such as $.rows[0].id, $['odd name'] or /rows/0/id.");
}
