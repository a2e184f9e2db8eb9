namespace Steward.Models;

/// <summary>What the media type of an attachment says about how a model can read it.</summary>
public static class MediaTypes
{
    private static readonly string[] s_text =
    [
        "application/json", "application/x-ndjson", "application/jsonl", "application/xml", "application/yaml", "application/x-yaml",
        "application/toml", "application/csv", "application/sql", "application/javascript", "application/ecmascript", "application/graphql",
        "application/x-sh", "application/markdown",
    ];

    /// <summary>Whether it is text, which every model reads as text: <c>text/*</c>, JSON, XML, YAML, CSV and their like.</summary>
    public static bool IsText(string mediaType)
    {
        string plain = Plain(mediaType);
        return plain.StartsWith("text/", StringComparison.Ordinal)
            || plain.EndsWith("+json", StringComparison.Ordinal)
            || plain.EndsWith("+xml", StringComparison.Ordinal)
            || plain.EndsWith("+yaml", StringComparison.Ordinal)
            || Array.IndexOf(s_text, plain) >= 0;
    }

    /// <summary>Whether it is an image.</summary>
    public static bool IsImage(string mediaType) => Plain(mediaType).StartsWith("image/", StringComparison.Ordinal);

    internal static bool IsAudio(string mediaType) => Plain(mediaType).StartsWith("audio/", StringComparison.Ordinal);

    internal static bool IsPdf(string mediaType) => Plain(mediaType) == "application/pdf";

    /// <summary>The type without its parameters, in lower case: <c>text/csv</c> for <c>Text/CSV; charset=utf-8</c>.</summary>
    public static string Plain(string mediaType)
    {
        ArgumentNullException.ThrowIfNull(mediaType);
        return mediaType.Split(';')[0].Trim().ToLowerInvariant();
    }

    /// <summary>Whether it is one of a pattern: a type, or all of a kind as in <c>image/*</c>.</summary>
    internal static bool Matches(string mediaType, string pattern) => pattern.EndsWith("/*", StringComparison.Ordinal)
        ? Plain(mediaType).StartsWith(pattern[..^1], StringComparison.OrdinalIgnoreCase)
        : Plain(mediaType).Equals(pattern, StringComparison.OrdinalIgnoreCase);
}
