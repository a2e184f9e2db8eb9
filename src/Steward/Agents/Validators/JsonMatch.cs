using System.Text.Json;
using Steward.Tools.Declarative;

namespace Steward.Agents;

/// <summary>Compares JSON with a pattern that may say less than there is.</summary>
internal static class JsonMatch
{
    /// <summary>Whether everything that the pattern says is so; what it does not say may be anything. Arrays match item by item.</summary>
    public static bool Contains(JsonElement actual, JsonElement pattern)
    {
        if (pattern.ValueKind == JsonValueKind.Object)
        {
            return actual.ValueKind == JsonValueKind.Object
                && pattern.EnumerateObject().All(p => actual.TryGetProperty(p.Name, out JsonElement value) && Contains(value, p.Value));
        }

        if (pattern.ValueKind != JsonValueKind.Array)
            return JsonElement.DeepEquals(actual, pattern);
        return actual.ValueKind == JsonValueKind.Array
            && actual.GetArrayLength() == pattern.GetArrayLength()
            && actual.EnumerateArray().Zip(pattern.EnumerateArray()).All(pair => Contains(pair.First, pair.Second));
    }

    /// <summary>Looks at one place, and says what is there and what was expected.</summary>
    public static Finding At(JsonElement root, string path, JsonElement? expected, string what)
    {
        if (JsonPath.Parse(path).Find(root) is not { ValueKind: not JsonValueKind.Null } value)
            return Finding.Failed($"{what} has nothing at {path}: {Short(root.GetRawText())}");
        string seen = $"{what} has {Short(value.GetRawText())} at {path}";
        if (expected is not { } pattern)
            return Finding.Passed($"{seen}.");
        return Contains(value, pattern) ? Finding.Passed($"{seen}.") : Finding.Failed($"{seen}; expected {pattern.GetRawText()}.");
    }

    public static string Short(string text, int length = 300) => text.Length <= length ? text : string.Concat(text.AsSpan(0, length), "…");
}
