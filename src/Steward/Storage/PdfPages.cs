using System.IO.Compression;
using System.Runtime.InteropServices;

namespace Steward.Storage;

/// <summary>Counts the pages of a PDF without reading its structure: one bounded pass over its bytes and its packed objects.</summary>
/// <remarks>
/// Page objects and the page tree's <c>/Count</c> are looked for, as they stand and in object streams. Where neither can be seen (the
/// file is encrypted, or no PDF) nobody knows, and the caller counts by bytes.
/// </remarks>
internal static class PdfPages
{
    /// <summary>How many bytes are looked at, of the file and of its unpacked objects alike.</summary>
    private const int MostBytes = 64 * 1024 * 1024;

    /// <summary>How much of one object stream is unpacked: writers put some hundred objects into one.</summary>
    private const int MostUnpacked = 4 * 1024 * 1024;

    /// <summary>A count above this is no count: the file says what it likes.</summary>
    private const int MostPages = 100_000;

    /// <summary>The pages of a PDF.</summary>
    /// <returns>Null when it is no PDF, or its pages cannot be seen.</returns>
    public static int? Count(ReadOnlyMemory<byte> pdf)
    {
        if (pdf.Span[..Math.Min(pdf.Length, 1_024)].IndexOf("%PDF-"u8) < 0)
            return null;
        pdf = pdf[..Math.Min(pdf.Length, MostBytes)];
        (int pages, int counted) = Look(pdf.Span);
        int left = MostBytes;
        byte[] unpacked = [];
        for (int at = 0; left > 0 && NextPacked(pdf.Span, ref at);)
        {
            if (unpacked.Length == 0)
                unpacked = new byte[MostUnpacked];
            int length = Unpack(pdf[at..], unpacked);
            left -= Math.Max(length, 1);
            (int more, int most) = Look(unpacked.AsSpan(0, length));
            (pages, counted) = (pages + more, Math.Max(counted, most));
        }

        // Whichever is larger: an updated file has old pages too, and outlines have counts of their own. Rather a page too many.
        int all = Math.Max(pages, counted);
        return all is > 0 and <= MostPages ? all : null;
    }

    /// <summary>The page objects in a text, and the largest count of a tree.</summary>
    private static (int Pages, int Counted) Look(ReadOnlySpan<byte> text)
    {
        int pages = 0, counted = 0;
        for (int at = 0; Next(text, "/Type"u8, ref at);)
        {
            if (IsName(SkipSpaces(text[at..]), "/Page"u8))
                pages++;
        }

        for (int at = 0; Next(text, "/Count"u8, ref at);)
            counted = Math.Max(counted, Number(SkipSpaces(text[at..])));
        return (pages, counted);
    }

    /// <summary>Moves to the first byte of the next object stream's data.</summary>
    private static bool NextPacked(ReadOnlySpan<byte> pdf, ref int at)
    {
        if (!Next(pdf, "/ObjStm"u8, ref at) || !Next(pdf, "stream"u8, ref at))
            return false;
        if (at < pdf.Length && pdf[at] == '\r')
            at++;
        if (at < pdf.Length && pdf[at] == '\n')
            at++;
        return at < pdf.Length;
    }

    private static int Unpack(ReadOnlyMemory<byte> packed, byte[] into)
    {
        int length = 0;
        try
        {
            ArraySegment<byte> bytes = MemoryMarshal.TryGetArray(packed, out ArraySegment<byte> own) ? own : new(packed.ToArray());
            using var stream = new ZLibStream(
                new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false), CompressionMode.Decompress);
            while (length < into.Length && stream.Read(into, length, into.Length - length) is > 0 and int read)
                length += read;
        }
        catch (InvalidDataException)
        {
            // It is packed otherwise, or damaged: what came out before counts.
        }

        return length;
    }

    private static bool Next(ReadOnlySpan<byte> text, ReadOnlySpan<byte> word, ref int at)
    {
        int found = text[at..].IndexOf(word);
        at += found + word.Length;
        return found >= 0;
    }

    private static bool IsName(ReadOnlySpan<byte> text, ReadOnlySpan<byte> name) =>
        text.StartsWith(name) && (text.Length == name.Length || !char.IsAsciiLetterOrDigit((char)text[name.Length]));

    private static ReadOnlySpan<byte> SkipSpaces(ReadOnlySpan<byte> text) => text.TrimStart(" \t\r\n\f\0"u8);

    private static int Number(ReadOnlySpan<byte> text)
    {
        int number = 0;
        for (int i = 0; i < text.Length && char.IsAsciiDigit((char)text[i]) && number <= MostPages; i++)
            number = (number * 10) + (text[i] - (byte)'0');
        return number <= MostPages ? number : 0;
    }
}
