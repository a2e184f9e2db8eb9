using System.Globalization;
using System.Text;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>Which texts every store, journal and wire can hold.</summary>
internal static class InputText
{
    private const int Shown = 60;

    /// <summary>What no text may have: a half of a surrogate pair, which is no character, or U+0000, which PostgreSQL's text cannot
    /// hold.</summary>
    /// <returns>What it has, and where; null for nothing.</returns>
    public static string? FaultOf(ReadOnlySpan<char> text)
    {
        int nul = text.IndexOf('\0');
        if (nul >= 0)
            return string.Create(CultureInfo.InvariantCulture, $"has the character U+0000 at position {nul}");
        int half = HalfAt(text);
        return half < 0
            ? null
            : string.Create(CultureInfo.InvariantCulture, $"has half of a surrogate pair (U+{(int)text[half]:X4}) at position {half}");
    }

    /// <summary>What no name may have besides: a control character, which breaks a line of a list.</summary>
    /// <returns>What it has, and where; null for nothing.</returns>
    public static string? FaultOfName(ReadOnlySpan<char> name)
    {
        if (FaultOf(name) is { } fault)
            return fault;
        for (int i = 0; i < name.Length; i++)
        {
            if (char.IsControl(name[i]))
                return string.Create(CultureInfo.InvariantCulture, $"has the control character U+{(int)name[i]:X4} at position {i}");
        }

        return null;
    }

    /// <summary>A value as an error shows it: short, on one line, with nothing hidden.</summary>
    public static string Show(string value) => Printable.Line(value.Length <= Shown ? value : $"{value[..Shown]}…");

    private static int HalfAt(ReadOnlySpan<char> text)
    {
        int at = 0;
        while (true)
        {
            int surrogate = text[at..].IndexOfAnyInRange('\ud800', '\udfff');
            if (surrogate < 0)
                return -1;
            at += surrogate;
            if (Rune.DecodeFromUtf16(text[at..], out _, out int length) != System.Buffers.OperationStatus.Done)
                return at;
            at += length;
        }
    }
}
