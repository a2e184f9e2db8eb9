using System.Globalization;
using System.Text;

namespace Steward.Journal;

/// <summary>Text made safe to look at: what a terminal would obey, and what an eye cannot see, is written as an escape.</summary>
/// <remarks>
/// Escaped are control characters, bidirectional controls, zero-width and other invisible characters, line and paragraph separators, and
/// halves of surrogate pairs. Letters of every script stay as they are. An escape is <c>\u</c> and four hexadecimal digits for each UTF-16
/// unit, so that an escaped JSON document is still the same document.
/// </remarks>
public static class Printable
{
    private const int VariationSelector16 = 0xFE0F;

    /// <summary>A text of several lines: line breaks and tabs stay, <c>\r\n</c> becomes <c>\n</c>.</summary>
    public static string Text(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Escape(text, keepsLines: true);
    }

    /// <summary>A text as one line: line breaks and tabs are escaped too, so that no text can pretend to be a line of its own.</summary>
    public static string Line(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return Escape(text, keepsLines: false);
    }

    /// <summary>Whether a character is obeyed or unseen rather than seen: a control, a bidirectional control, an invisible one.</summary>
    /// <param name="rune">The character.</param>
    public static bool IsHidden(Rune rune) => Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Control or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator => true,
        UnicodeCategory.Format => !IsVisibleFormat(rune.Value),
        _ => IsInvisible(rune.Value),
    };

    private static string Escape(string text, bool keepsLines)
    {
        StringBuilder? escaped = null;
        Rune before = default;
        for (int i = 0; i < text.Length;)
        {
            bool isWhole = Rune.TryGetRuneAt(text, i, out Rune rune);
            int length = isWhole ? rune.Utf16SequenceLength : 1;
            string? instead = isWhole ? InsteadOf(text, i, rune, before, keepsLines) : Unit(text[i]);
            if (instead is not null)
                (escaped ??= new StringBuilder(text, 0, i, text.Length + 16)).Append(instead);
            else
                escaped?.Append(text, i, length);
            before = rune;
            i += length;
        }

        return escaped?.ToString() ?? text;
    }

    /// <summary>What is written for a character; null for itself.</summary>
    private static string? InsteadOf(string text, int at, Rune rune, Rune before, bool keepsLines) => rune.Value switch
    {
        '\n' => keepsLines ? null : "\\n",
        '\t' => keepsLines ? null : "\\t",
        '\r' when keepsLines && at + 1 < text.Length && text[at + 1] == '\n' => "",
        '\r' => "\\r",
        // It makes a symbol colourful, as in most warning signs; anywhere else it only hides.
        VariationSelector16 when Rune.GetUnicodeCategory(before) is UnicodeCategory.OtherSymbol or UnicodeCategory.MathSymbol => null,
        _ => IsHidden(rune) ? string.Concat(rune.ToString().Select(Unit)) : null,
    };

    private static string Unit(char unit) => $"\\u{(int)unit:x4}";

    /// <summary>Signs of Arabic, Syriac and Kaithi that stand before numbers: they are seen.</summary>
    private static bool IsVisibleFormat(int value) =>
        value is >= 0x0600 and <= 0x0605 or 0x06DD or 0x070F or 0x0890 or 0x0891 or 0x08E2 or 0x110BD or 0x110CD;

    /// <summary>Letters and marks without a shape, and what Unicode keeps for such: its default ignorable code points.</summary>
    private static bool IsInvisible(int value) =>
        value is 0x034F or 0x115F or 0x1160 or 0x17B4 or 0x17B5 or (>= 0x180B and <= 0x180F) or 0x2065 or 0x3164
            or (>= 0xFE00 and <= 0xFE0F) or 0xFFA0 or (>= 0xFFF0 and <= 0xFFF8) or (>= 0xE0000 and <= 0xE0FFF);
}
