using System.Buffers;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>An attachment as the store keeps it: one blob that names its tenant and type before the bytes.</summary>
/// <remarks>
/// The blob's hash is over all of it, so an attachment is its tenant's alone: another tenant's equal bytes have another hash, and whoever
/// gets hold of a hash reads nothing with it. It needs no rows of its own, and is swept like any blob that no journal names.
/// </remarks>
internal sealed record Attachment(string Tenant, BlobPart Part, ReadOnlyMemory<byte> Content)
{
    /// <summary>Longest media type, in characters.</summary>
    private const int MostType = 200;

    /// <summary>Longest head, in bytes.</summary>
    private const int MostHead = 4_096;

    private static ReadOnlySpan<byte> Mark => "steward-attachment/1 "u8;

    /// <summary>Makes the blob of an attachment.</summary>
    /// <exception cref="StewardException">The media type is none.</exception>
    public static (Blob Blob, BlobPart Part) Make(string tenant, string mediaType, ReadOnlyMemory<byte> content)
    {
        if (mediaType.Length > MostType || !MediaTypeHeaderValue.TryParse(mediaType, out _))
            throw new StewardException($"'{Excerpt(mediaType)}' is not a media type; give one such as 'application/pdf'.");
        var head = new Head(tenant, mediaType, content.Length, PdfPages.Count(content));
        var bytes = new ArrayBufferWriter<byte>(content.Length + MostHead);
        bytes.Write(Mark);
        bytes.Write(JsonSerializer.SerializeToUtf8Bytes(head, HeadJson.Default.Head));
        bytes.Write("\n"u8);
        bytes.Write(content.Span);
        Blob blob = Blob.Of(bytes.WrittenMemory);
        return (blob, PartOf(blob.Hash, head));
    }

    /// <summary>Reads an attachment; null when the blob is something else.</summary>
    public static Attachment? Read(string hash, ReadOnlyMemory<byte> blob)
    {
        if (!blob.Span.StartsWith(Mark))
            return null;
        int end = blob.Span[..Math.Min(blob.Length, MostHead)].IndexOf((byte)'\n');
        if (end < 0)
            return null;
        try
        {
            Head head = JsonSerializer.Deserialize(blob.Span[Mark.Length..end], HeadJson.Default.Head)!;
            ReadOnlyMemory<byte> content = blob[(end + 1)..];
            return content.Length == head.Length ? new Attachment(head.Tenant, PartOf(hash, head), content) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static BlobPart PartOf(string hash, Head head) => new(head.MediaType, hash, head.Length) { Pages = head.Pages };

    private static string Excerpt(string text) => text.Length <= 100 ? text : $"{text[..99]}…";

    /// <summary>What stands before the bytes.</summary>
    internal sealed record Head(string Tenant, string MediaType, long Length, int? Pages);
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(Attachment.Head))]
internal sealed partial class HeadJson : JsonSerializerContext;
