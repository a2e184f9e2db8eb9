using System.Text.Json;

namespace Steward.Tools;

/// <summary>Finds what JSON can say and .NET cannot read: half a surrogate pair throws, and a number beyond <see cref="double"/> is
/// infinity.</summary>
internal static class UnreadableArguments
{
    /// <summary>What cannot be read, in words; null when all can.</summary>
    public static string? Find(JsonElement element)
    {
        switch (element.ValueKind)
        {
            case JsonValueKind.Object:
                return element.EnumerateObject().Select(p => Name(p) ?? Find(p.Value)).FirstOrDefault(found => found is not null);
            case JsonValueKind.Array:
                return element.EnumerateArray().Select(Find).FirstOrDefault(found => found is not null);
            case JsonValueKind.Number when element.TryGetDouble(out double value) && double.IsInfinity(value):
                string number = element.GetRawText();
                return $"the number {(number.Length <= 40 ? number : string.Concat(number.AsSpan(0, 40), "…"))}, which is larger than any that can be read";
            case JsonValueKind.String when !Reads(element.GetString):
                return "a text with half a surrogate pair (\\uD800 to \\uDFFF alone)";
            default:
                return null;
        }
    }

    private static string? Name(JsonProperty property) =>
        Reads(() => property.Name) ? null : "a name with half a surrogate pair (\\uD800 to \\uDFFF alone)";

    private static bool Reads(Func<string?> read)
    {
        try
        {
            return read() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }
}
