using System.Buffers.Binary;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Models;

/// <summary>How many tokens an attachment can be, by the rule of the providers that is dearest for it. The one place for such
/// rules.</summary>
internal static class AttachmentEstimate
{
    /// <summary>Content that nobody here knows.</summary>
    public const long Unknown = 4_096;

    /// <summary>The largest image that the providers take: 4,784 tokens at Anthropic's newest models, 1,536 patches of 2.46 at
    /// OpenAI's.</summary>
    public const long LargestImage = 6_400;

    /// <summary>A page of a PDF: Anthropic's 1,500 to 3,000 for its text and up to 1,600 for its picture; OpenAI takes less.</summary>
    public const long Page = 4_600;

    // Sound: the providers take at most some 10 tokens a second, and 16 kbit/s is the least that is heard.
    private const int AudioBytesPerToken = 100;

    // Images of any size: eight tiles of 170 and 85 for the whole, at the models that count tiles
    // (developers.openai.com/api/docs/guides/images-vision).
    private const long SmallestImage = 85 + (8 * 170);

    // An image is cut to patches of 32 pixels; the smallest models count each as 2.46 tokens.
    private const int Patch = 32;
    private const decimal TokensPerPatch = 2.46m;

    /// <summary>The bound of an attachment that travels with the request.</summary>
    public static long Of(string mediaType, ReadOnlyMemory<byte> data) =>
        MediaTypes.IsImage(mediaType)
            ? Image(data.Span)
            : Of(mediaType, data.Length, MediaTypes.IsPdf(mediaType) ? PdfPages.Count(data) : null);

    /// <summary>The bound of an attachment that is still in the store.</summary>
    public static long Of(BlobPart blob) =>
        MediaTypes.IsImage(blob.MediaType) ? LargestImage : Of(blob.MediaType, blob.Length, blob.Pages);

    /// <summary>The bound of an attachment that the provider fetches.</summary>
    public static long OfReference(string mediaType) => MediaTypes.IsImage(mediaType) ? LargestImage : Unknown;

    private static long Of(string mediaType, long bytes, int? pages) =>
        MediaTypes.IsAudio(mediaType) ? Math.Max(Unknown, bytes / AudioBytesPerToken)
        : MediaTypes.IsPdf(mediaType) && pages is { } known ? known * Page
        : bytes;

    /// <summary>An image is billed by its area, not its bytes.</summary>
    private static long Image(ReadOnlySpan<byte> data)
    {
        if (PixelsOf(data) is not var (width, height))
            return LargestImage;
        decimal patches = decimal.Ceiling(width / (decimal)Patch) * decimal.Ceiling(height / (decimal)Patch);
        return (long)Math.Clamp(decimal.Ceiling(patches * TokensPerPatch), SmallestImage, LargestImage);
    }

    /// <summary>The size that a PNG or a GIF states; null for others.</summary>
    private static (uint Width, uint Height)? PixelsOf(ReadOnlySpan<byte> data)
    {
        if (data.Length >= 24 && data[0] == 0x89 && data[1..].StartsWith("PNG\r\n\x1A\n"u8))
            return (BinaryPrimitives.ReadUInt32BigEndian(data[16..]), BinaryPrimitives.ReadUInt32BigEndian(data[20..]));
        if (data.Length >= 10 && (data.StartsWith("GIF87a"u8) || data.StartsWith("GIF89a"u8)))
            return (BinaryPrimitives.ReadUInt16LittleEndian(data[6..]), BinaryPrimitives.ReadUInt16LittleEndian(data[8..]));
        return null;
    }
}
