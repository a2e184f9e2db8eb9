using System.Text;
using Microsoft.Extensions.AI;

namespace Steward.Providers;

/// <summary>What an attachment is to a wire.</summary>
internal static class Attachments
{
    /// <summary>Whether it is text, which every model reads as text.</summary>
    public static bool IsText(DataContent data) =>
        data.HasTopLevelMediaType("text")
        || Type(data) is "application/json" or "application/xml" or "application/yaml" or "application/x-yaml" or "application/toml"
        || Type(data).EndsWith("+json", StringComparison.Ordinal) || Type(data).EndsWith("+xml", StringComparison.Ordinal);

    /// <summary>The attachment's text, under its name if it has one.</summary>
    public static string Text(DataContent data) =>
        (data.Name is { Length: > 0 } name ? $"[{name}]\n" : "") + Encoding.UTF8.GetString(data.Data.Span);

    /// <summary>The media type without its parameters, in lower case.</summary>
    public static string Type(DataContent data) => Plain(data.MediaType);

    /// <summary>The media type without its parameters, in lower case.</summary>
    public static string Type(UriContent uri) => Plain(uri.MediaType);

    private static string Plain(string mediaType) => mediaType.Split(';')[0].Trim().ToLowerInvariant();
}
