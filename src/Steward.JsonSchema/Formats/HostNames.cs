using System.Globalization;
using System.Text;

namespace Steward.JsonSchemas.Formats;

/// <summary>Host names of RFC 1123, with the labels of IDNA 2008 in their ASCII and in their native form.</summary>
internal static class HostNames
{
    private const int MaxLabel = 63;
    private const int MaxName = 253;

    public static bool IsHostName(ReadOnlySpan<char> text, bool international)
    {
        if (text.Length > 4 * MaxName)
            return false;

        string[] labels = international ? text.ToString().Split('.', '\u3002', '\uFF0E', '\uFF61') : text.ToString().Split('.');
        List<int[]> native = new(labels.Length);
        int length = labels.Length - 1;
        foreach (string label in labels)
        {
            if (Native(label, international) is not { } codePoints)
                return false;
            native.Add(codePoints);
            length += codePoints.All(c => c < 0x80) ? label.Length : Punycode.Encode(codePoints).Length + 4;
        }

        bool isBidi = native.Exists(label => Array.Exists(label, c => Bidi.ClassOf(c) is BidiClass.RightToLeft or BidiClass.ArabicNumber));
        return length <= MaxName && (!isBidi || native.TrueForAll(Bidi.IsLabel));
    }

    /// <summary>The code points of a valid label, decoded if it is in ASCII form; null if it is not valid.</summary>
    private static int[]? Native(string label, bool international)
    {
        if (label.Length is 0 or > 2 * MaxLabel || label[0] == '-' || label[^1] == '-')
            return null;
        if (!Ascii.IsValid(label))
            return international && IdnaLabel(label) is { } native && Punycode.Encode(native).Length + 4 <= MaxLabel ? native : null;
        if (label.Length > MaxLabel || !label.All(c => char.IsAsciiLetterOrDigit(c) || c == '-'))
            return null;

        return label.StartsWith("xn--", StringComparison.OrdinalIgnoreCase) ? FromAscii(label[4..])
            : label.AsSpan().Slice(Math.Min(2, label.Length)).StartsWith("--") && international ? null
            : Array.ConvertAll(label.ToCharArray(), c => (int)char.ToLowerInvariant(c));
    }

    private static int[]? FromAscii(string encoded)
    {
        if (Punycode.Decode(encoded) is not { } points || points.All(c => c < 0x80))
            return null;

        string native = string.Concat(points.Select(char.ConvertFromUtf32));
        bool isCanonical = Punycode.Encode(points).Equals(encoded, StringComparison.OrdinalIgnoreCase);
        return isCanonical && native[^1] != '-' && native[0] != '-' ? IdnaLabel(native) : null;
    }

    private static int[]? IdnaLabel(string label)
    {
        if (label.Length >= 4 && label.AsSpan(2, 2) is "--")
            return null;

        int[] points = label.EnumerateRunes().Select(rune => rune.Value).ToArray();
        return IsMark(points[0]) || !Enumerable.Range(0, points.Length).All(i => IdnaRules.Allows(points, i)) ? null : points;
    }

    private static bool IsMark(int c) =>
        CharUnicodeInfo.GetUnicodeCategory(c)
            is UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark;
}
