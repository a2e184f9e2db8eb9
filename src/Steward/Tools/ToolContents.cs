using System.Globalization;
using System.Text;
using Microsoft.Extensions.AI;
using Steward.Journal;

namespace Steward.Tools;

/// <summary>Makes a tool's output of content: text is text, what models take goes to them as it is, and the rest is named and left
/// out.</summary>
internal static class ToolContents
{
    private static readonly string[] s_taken = ["image/jpeg", "image/png", "image/gif", "image/webp", "application/pdf"];

    /// <summary>Whether every provider that takes content of this kind takes this media type.</summary>
    public static bool IsTaken(string mediaType) => s_taken.Contains(Essence(mediaType), StringComparer.OrdinalIgnoreCase);

    /// <summary>The output of some content.</summary>
    public static ToolOutput Read(IEnumerable<AIContent> contents)
    {
        List<string> texts = [];
        List<ContentPart> parts = [];
        foreach (AIContent content in contents)
        {
            if (content is TextContent text)
                texts.Add(text.Text);
            else if (content is DataContent data && IsText(data.MediaType))
                texts.Add(Encoding.UTF8.GetString(data.Data.Span));
            else if (Part(content) is { } part)
                parts.Add(part);
            else
                texts.Add(LeftOut(content));
        }

        if (texts.Count == 0)
            texts.Add(parts.Count == 0 ? "done" : string.Join("\n", parts.Select(Shown)));
        return new ToolOutput(string.Join("\n\n", texts)) { Content = parts.Count == 0 ? null : parts };
    }

    /// <summary>The output of bytes without a media type: what they begin with says what they are.</summary>
    public static ToolOutput Read(ReadOnlyMemory<byte> bytes) =>
        Sniff(bytes.Span) is { } mediaType
            ? Read([new DataContent(bytes, mediaType)])
            : new ToolOutput(
                string.Create(CultureInfo.InvariantCulture, $"[{bytes.Length} bytes of an unknown kind, left out: no model takes them.]"));

    /// <summary>A result's text without the word that a part is shown: a line takes its place, or comes after.</summary>
    public static string LeaveOut(string text, ContentPart part, string line)
    {
        if (Shown(part) is { } shown && text.IndexOf(shown, StringComparison.Ordinal) is >= 0 and int at)
            return string.Concat(text.AsSpan(0, at), line, text.AsSpan(at + shown.Length));
        return text.Length == 0 ? line : $"{text}\n\n{line}";
    }

    private static ContentPart? Part(AIContent content) => content switch
    {
        DataContent data when IsTaken(data.MediaType) => new DataPart(Essence(data.MediaType), data.Data.ToArray()),
        UriContent uri when IsTaken(uri.MediaType) || uri.HasTopLevelMediaType("image") => new UriPart(uri.MediaType, uri.Uri),
        _ => null,
    };

    private static string LeftOut(AIContent content) => content switch
    {
        DataContent data => string.Create(
            CultureInfo.InvariantCulture, $"[{data.Data.Length} bytes of {data.MediaType}, left out: no model takes them.]"),
        UriContent uri => $"[{uri.MediaType} at {uri.Uri}]",
        ErrorContent error => error.Message,
        _ => $"[{content.GetType().Name}, left out]",
    };

    private static string? Shown(ContentPart part) => part switch
    {
        DataPart data => string.Create(CultureInfo.InvariantCulture, $"[{data.Data.Length} bytes of {data.MediaType}, shown below]"),
        UriPart uri => $"[{uri.MediaType}, shown below]",
        _ => null,
    };

    private static bool IsText(string mediaType) =>
        mediaType.StartsWith("text/", StringComparison.OrdinalIgnoreCase)
        || Essence(mediaType) is "application/json" or "application/xml" or "application/yaml"
        || Essence(mediaType).EndsWith("+json", StringComparison.OrdinalIgnoreCase)
        || Essence(mediaType).EndsWith("+xml", StringComparison.OrdinalIgnoreCase);

    private static string Essence(string mediaType) => mediaType.Split(';', 2)[0].Trim().ToLowerInvariant();

    private static string? Sniff(ReadOnlySpan<byte> bytes) => bytes switch
    {
        [0x89, (byte)'P', (byte)'N', (byte)'G', ..] => "image/png",
        [0xFF, 0xD8, 0xFF, ..] => "image/jpeg",
        [(byte)'G', (byte)'I', (byte)'F', (byte)'8', ..] => "image/gif",
        [(byte)'R', (byte)'I', (byte)'F', (byte)'F', _, _, _, _, (byte)'W', (byte)'E', (byte)'B', (byte)'P', ..] => "image/webp",
        [(byte)'%', (byte)'P', (byte)'D', (byte)'F', (byte)'-', ..] => "application/pdf",
        _ => null,
    };
}
