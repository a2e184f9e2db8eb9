using System.Text;
using Microsoft.Extensions.AI;
using Steward.Models;

namespace Steward.Providers;

/// <summary>What an attachment is to a wire.</summary>
internal static class Attachments
{
    /// <summary>Whether it is text, which every model reads as text.</summary>
    public static bool IsText(DataContent data) => MediaTypes.IsText(data.MediaType);

    /// <summary>The attachment's text, under its name if it has one.</summary>
    public static string Text(DataContent data) =>
        (data.Name is { Length: > 0 } name ? $"[{name}]\n" : "") + Encoding.UTF8.GetString(data.Data.Span);

    /// <summary>The media type without its parameters, in lower case.</summary>
    public static string Type(DataContent data) => MediaTypes.Plain(data.MediaType);

    /// <summary>The media type without its parameters, in lower case.</summary>
    public static string Type(UriContent uri) => MediaTypes.Plain(uri.MediaType);
}
