using System.Text.Json;

namespace Steward.Orchestration;

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

    public static string Short(string text, int length = 300) => text.Length <= length ? text : string.Concat(text.AsSpan(0, length), "…");
}
