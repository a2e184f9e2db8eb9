using System.Globalization;
using System.Text;

namespace Steward.Cli.Rendering;

/// <summary>Breaks a line to the width of a terminal, with what follows further in and behind a bar.</summary>
/// <remarks>A terminal that wraps by itself begins at its edge, where the end of one value would look like another argument.</remarks>
internal static class HangingLines
{
    private const int Step = 4;
    private const int LeastText = 16;

    /// <summary>The lines of a text.</summary>
    /// <param name="text">The text; after an escaped line break (<c>\n</c>) a new line begins.</param>
    /// <param name="indent">Columns before the first line.</param>
    /// <param name="width">Columns of the terminal; null for as many as there are.</param>
    public static IEnumerable<string> Of(string text, int indent, int? width)
    {
        int room = width is { } columns ? Math.Max(LeastText, columns - indent - Step) : int.MaxValue;
        string first = new(' ', indent), next = new string(' ', indent + Step - 2) + "│ ";
        var line = new StringBuilder();
        int used = 0, most = width is null ? int.MaxValue : room + Step;
        bool isFirst = true;
        foreach (string piece in Pieces(text))
        {
            int columnsOfPiece = Columns(piece);
            if (used > 0 && used + columnsOfPiece > most)
            {
                yield return (isFirst ? first : next) + line;
                (isFirst, used, most) = (false, 0, room);
                line.Clear();
            }

            line.Append(piece);
            used += columnsOfPiece;
            if (piece == "\\n")
            {
                yield return (isFirst ? first : next) + line;
                (isFirst, used, most) = (false, 0, room);
                line.Clear();
            }
        }

        if (used > 0 || isFirst)
            yield return (isFirst ? first : next) + line;
    }

    /// <summary>What stays together: an escape, the mark of what is missing, or a letter with its marks.</summary>
    private static IEnumerable<string> Pieces(string text)
    {
        int mark = text.EndsWith(" characters)", StringComparison.Ordinal) ? text.LastIndexOf("… (+", StringComparison.Ordinal) : -1;
        for (int i = 0; i < text.Length;)
        {
            int length = text[i] == '\\' && i + 1 < text.Length ? Math.Min(text[i + 1] == 'u' ? 6 : 2, text.Length - i)
                : i == mark ? text.Length - i
                : StringInfo.GetNextTextElementLength(text, i);
            yield return text.Substring(i, length);
            i += length;
        }
    }

    private static int Columns(string piece) => piece.Length > 8 && piece[0] is '…' ? piece.Length
        : piece is [< '\u1100', ..] ? Math.Max(1, piece.EnumerateRunes().Count(r => !IsMark(r)))
        : IsWide(Rune.GetRuneAt(piece, 0)) ? 2 : 1;

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format;

    private static bool IsWide(Rune rune) => rune.Value is
        (>= 0x1100 and <= 0x115F) or (>= 0x2E80 and <= 0xA4CF) or (>= 0xA960 and <= 0xA97F) or (>= 0xAC00 and <= 0xD7A3)
        or (>= 0xF900 and <= 0xFAFF) or (>= 0xFE30 and <= 0xFE6F) or (>= 0xFF00 and <= 0xFF60) or (>= 0xFFE0 and <= 0xFFE6)
        or (>= 0x2600 and <= 0x27BF) or (>= 0x1F300 and <= 0x1FAFF) or (>= 0x20000 and <= 0x3FFFD);
}
