using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>How many tokens an attachment is counted as before a provider says: by
/// its area or its pages; a token a byte only where neither is known.</summary>
internal static class AttachmentTokens
{
    /// <summary>An image is billed by its area: this covers the largest that the providers take.</summary>
    public const long Image = 6_400;

    /// <summary>A page of a PDF: Anthropic's 1,500 to 3,000 for its text and up to 1,600 for its picture; OpenAI takes less.</summary>
    public const long Page = 4_600;

    /// <summary>Sound: both providers take at most some 10 tokens a second, and 16 kbit/s is the least that is heard.</summary>
    private const long AudioBytesPerToken = 100;

    public static long Of(BlobPart blob) => Of(blob.MediaType, blob.Length, blob.Pages);

    public static long Of(string mediaType, ReadOnlyMemory<byte> data) =>
        Of(mediaType, data.Length, IsPdf(mediaType) ? PdfPages.Count(data) : null);

    private static long Of(string mediaType, long bytes, int? pages)
    {
        if (mediaType.StartsWith("image/", StringComparison.OrdinalIgnoreCase))
            return Image;
        if (mediaType.StartsWith("audio/", StringComparison.OrdinalIgnoreCase))
            return Math.Max(Image, bytes / AudioBytesPerToken);
        return IsPdf(mediaType) && pages is { } known ? known * Page : bytes;
    }

    private static bool IsPdf(string mediaType) => mediaType.StartsWith("application/pdf", StringComparison.OrdinalIgnoreCase);
}
