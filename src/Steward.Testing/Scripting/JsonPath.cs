using System.Globalization;
using System.Text.Json.Nodes;

namespace Steward.Testing.Scripting;

/// <summary>The part of JSONPath that a script needs: <c>$.rows[0].id</c>, <c>$['odd name']</c>, <c>$.rows[-1]</c>.</summary>
internal static class JsonPath
{
    /// <summary>Splits a path into names and indexes.</summary>
    /// <exception cref="FormatException">It is not a path.</exception>
    public static IReadOnlyList<object> Parse(string path)
    {
        if (!path.StartsWith('$'))
            throw Bad(path);
        List<object> steps = [];
        int at = 1;
        while (at < path.Length)
        {
            int end;
            if (path[at] == '.')
            {
                end = path.AsSpan(at + 1).IndexOfAny('.', '[') is var stop and >= 0 ? at + 1 + stop : path.Length;
                steps.Add(end > at + 1 ? path[(at + 1)..end] : throw Bad(path));
                at = end;
                continue;
            }

            end = path.IndexOf(']', at);
            if (path[at] != '[' || end < at + 2)
                throw Bad(path);
            string inner = path[(at + 1)..end];
            if (inner.Length > 2 && inner[0] is '\'' or '"' && inner[^1] == inner[0])
                steps.Add(inner[1..^1]);
            else
                steps.Add(int.TryParse(inner, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out int index) ? index : throw Bad(path));
            at = end + 1;
        }

        return steps;
    }

    /// <summary>Follows a path; false when there is nothing at its end.</summary>
    public static bool TryFind(JsonNode? root, string path, out JsonNode? found)
    {
        found = root;
        foreach (object step in Parse(path))
        {
            if (!TryStep(found, step, out found))
                return false;
        }

        return true;
    }

    private static bool TryStep(JsonNode? node, object step, out JsonNode? next)
    {
        next = null;
        if (step is string name)
            return node is JsonObject map && map.TryGetPropertyValue(name, out next);
        int index = (int)step;
        if (node is not JsonArray array)
            return false;
        if (index < 0)
            index += array.Count;
        if (index < 0 || index >= array.Count)
            return false;
        next = array[index];
        return true;
    }

    private static FormatException Bad(string path) => new($"'{path}' is not a path; write one such as $.rows[0].id.");
}
