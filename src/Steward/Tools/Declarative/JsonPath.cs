using System.Text.Json;

namespace Steward.Tools.Declarative;

/// <summary>Finds a value in JSON by a path: a JSON Pointer (<c>/items/0/id</c>, RFC 6901), or names and indexes with dots or brackets (<c>items[0].id</c>, <c>$.items[0].id</c>).</summary>
/// <remarks>The singular queries of JSONPath (RFC 9535); no wildcards, filters or slices: a path names one place.</remarks>
internal static class JsonPath
{
    public static JsonElement? Find(JsonElement root, string path)
    {
        JsonElement at = root;
        foreach (string step in Steps(path))
        {
            if (at.ValueKind == JsonValueKind.Object && at.TryGetProperty(step, out JsonElement property))
                at = property;
            else if (at.ValueKind == JsonValueKind.Array && int.TryParse(step, out int index) && index >= 0 && index < at.GetArrayLength())
                at = at[index];
            else
                return null;
        }

        return at;
    }

    private static IEnumerable<string> Steps(string path)
    {
        if (path.StartsWith('/'))
            return path[1..].Split('/').Select(s => s.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal));
        string rest = path.StartsWith('$') ? path[1..].TrimStart('.') : path;
        return rest.Split(['.', '[', ']'], StringSplitOptions.RemoveEmptyEntries).Select(s => s.Trim('\'', '"'));
    }
}
