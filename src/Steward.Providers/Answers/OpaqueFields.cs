using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Steward.Providers;

/// <summary>Fields that nobody here reads, kept as they came; pieces of a stream are put together.</summary>
internal sealed class OpaqueFields
{
    private readonly List<(string Name, StringBuilder Json)> _fields = [];

    /// <summary>Whether there are none.</summary>
    public bool IsEmpty => _fields.Count == 0;

    /// <summary>Adds a field, or a further piece of it: text and lists are continued, anything else replaced. Null and empty ones say
    /// nothing.</summary>
    /// <returns>The characters that it takes.</returns>
    public int Add(string name, JsonElement value)
    {
        if (IsNothing(value))
            return 0;
        string json = WireText.Raw(value);
        int at = _fields.FindIndex(f => f.Name == name);
        if (at < 0)
        {
            _fields.Add((name, new StringBuilder(json)));
            return json.Length;
        }

        StringBuilder known = _fields[at].Json;
        if (known.Equals(json))
            return 0;
        bool continues = known[0] == json[0] && json[0] is '"' or '[';
        if (!continues)
            known.Clear().Append(json);
        else if (json[0] == '"')
            known.Remove(known.Length - 1, 1).Append(json, 1, json.Length - 1);
        else
            known.Remove(known.Length - 1, 1).Append(',').Append(json, 1, json.Length - 1);
        return json.Length;
    }

    /// <summary>The fields as one JSON object; null when there are none.</summary>
    /// <param name="inner">Fields of an object within, under its name.</param>
    /// <param name="innerName">That name.</param>
    public string? ToJson(OpaqueFields? inner = null, string innerName = "")
    {
        if (IsEmpty && inner is null or { IsEmpty: true })
            return null;
        var json = new StringBuilder("{");
        foreach ((string name, StringBuilder value) in _fields)
        {
            string written = JavaScriptEncoder.Default.Encode(WireText.Mend(name));
            json.Append(json.Length > 1 ? "," : "").Append('"').Append(written).Append("\":").Append(value);
        }

        if (inner?.ToJson() is { } within)
            json.Append(json.Length > 1 ? "," : "").Append('"').Append(innerName).Append("\":").Append(within);
        return json.Append('}').ToString();
    }

    private static bool IsNothing(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null or JsonValueKind.Undefined => true,
        JsonValueKind.String => WireText.Of(value)!.Length == 0,
        JsonValueKind.Array => value.GetArrayLength() == 0,
        JsonValueKind.Object => value.GetPropertyCount() == 0,
        _ => false,
    };
}
