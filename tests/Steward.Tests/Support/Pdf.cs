using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Steward.Tests.Support;

/// <summary>Makes PDF files of a number of pages: as they were written until 1.4, or with their objects packed into streams as since.</summary>
internal static class Pdf
{
    /// <param name="pages">How many pages it has.</param>
    /// <param name="packed">Whether its page objects stand in compressed object streams.</param>
    /// <param name="size">Bytes that it has at least: an embedded picture that cannot be packed.</param>
    public static byte[] Make(int pages, bool packed, int size = 0)
    {
        using var file = new MemoryStream();
        Write(file, "%PDF-1.7\n");
        string[] objects = [.. Enumerable.Range(0, pages).Select(i => Line($"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents {100 + i} 0 R >>"))];
        string tree = Line($"<< /Type/Pages /Count {pages} /Kids [3 0 R] >>");
        if (packed)
        {
            foreach (string[] some in objects.Append(tree).Chunk(20))
                Pack(file, string.Join('\n', some));
        }
        else
        {
            Write(file, Line($"2 0 obj\n{tree}\nendobj\n"));
            foreach (string one in objects)
                Write(file, $"3 0 obj\n{one}\nendobj\n");
        }

        byte[] noise = new byte[size];
        new Random(13).NextBytes(noise);
        Write(file, Line($"9 0 obj\n<< /Type /XObject /Subtype /Image /Length {size} >>\nstream\n"));
        file.Write(noise);
        Write(file, "\nendstream\nendobj\ntrailer << /Root 1 0 R >>\n%%EOF\n");
        return file.ToArray();
    }

    private static void Pack(MemoryStream file, string text)
    {
        using var packed = new MemoryStream();
        using (var zip = new ZLibStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            zip.Write(Encoding.ASCII.GetBytes(text));
        Write(file, Line($"7 0 obj\n<< /Type /ObjStm /N 20 /First 0 /Filter /FlateDecode /Length {packed.Length} >>\nstream\r\n"));
        file.Write(packed.ToArray());
        Write(file, "\nendstream\nendobj\n");
    }

    private static string Line(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private static void Write(MemoryStream file, string text) => file.Write(Encoding.ASCII.GetBytes(text));
}
