using System.Globalization;

namespace Steward.JsonSchemas.Formats;

/// <summary>Which code points a native label may hold: RFC 5892, by category, exceptions and context.</summary>
/// <remarks>Compatibility forms are known by their blocks, not by normalization, which needs ICU.</remarks>
internal static class IdnaRules
{
    private const int Joiner = 0x200D;
    private const int NonJoiner = 0x200C;

    public static bool Allows(int[] label, int at) => label[at] switch
    {
        NonJoiner => FollowsVirama(label, at) || JoinsLetters(label, at),
        Joiner => FollowsVirama(label, at),
        0xB7 => at > 0 && at + 1 < label.Length && label[at - 1] == 'l' && label[at + 1] == 'l',
        0x375 => at + 1 < label.Length && Scripts.Contains("Greek", label[at + 1]),
        0x5F3 or 0x5F4 => at > 0 && Scripts.Contains("Hebrew", label[at - 1]),
        0x30FB => Array.Exists(
            label, c => Scripts.Contains("Hiragana", c) || Scripts.Contains("Katakana", c) || Scripts.Contains("Han", c)),
        >= 0x660 and <= 0x669 => !Array.Exists(label, c => c is >= 0x6F0 and <= 0x6F9),
        >= 0x6F0 and <= 0x6F9 => !Array.Exists(label, c => c is >= 0x660 and <= 0x669),
        0xDF or 0x3C2 or 0x6FD or 0x6FE or 0xF0B or 0x3007 or '-' => true,
        0x640 or 0x7FA or 0x302E or 0x302F or (>= 0x3031 and <= 0x3035) or 0x303B => false,
        int c => !IsCompatibility(c) && IsLetterDigit(c),
    };

    private static bool IsLetterDigit(int c) => CharUnicodeInfo.GetUnicodeCategory(c) switch
    {
        UnicodeCategory.LowercaseLetter or UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter => true,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.DecimalDigitNumber => true,
        UnicodeCategory.UppercaseLetter => c < 0x80,
        _ => false,
    };

    private static bool IsCompatibility(int c) => c is 0xAA or 0xBA or 0x34F
        or (>= 0x1100 and <= 0x11FF) or (>= 0xA960 and <= 0xA97F) or (>= 0xD7B0 and <= 0xD7FF)
        or (>= 0x2B0 and <= 0x2B8) or (>= 0x2E0 and <= 0x2E4) or (>= 0x115F and <= 0x1160) or (>= 0x17B4 and <= 0x17B5)
        or (>= 0x1D2C and <= 0x1D2E) or (>= 0x2071 and <= 0x209C) or (>= 0x2100 and <= 0x214D) or (>= 0x3131 and <= 0x318E)
        or (>= 0xF900 and <= 0xFA0D) or (>= 0xFA10 and <= 0xFB1D) or (>= 0xFB1F and <= 0xFDFF) or (>= 0xFE00 and <= 0xFE0F)
        or (>= 0xFE70 and <= 0xFEFF) or (>= 0xFF00 and <= 0xFFEF) or (>= 0x1D400 and <= 0x1D7FF) or (>= 0x1EE00 and <= 0x1EEFF)
        or (>= 0x2F800 and <= 0x2FA1F) or >= 0xE0000;

    private static bool FollowsVirama(int[] label, int at) => at > 0 && label[at - 1] is
        0x94D or 0x9CD or 0xA4D or 0xACD or 0xB4D or 0xBCD or 0xC4D or 0xCCD or 0xD3B or 0xD3C or 0xD4D or 0xDCA or 0xE3A or 0xEBA
        or 0xF84 or 0x1039 or 0x103A or 0x1714 or 0x1734 or 0x17D2 or 0x1A60 or 0x1B44 or 0x1BAA or 0x1BAB or 0x1BF2 or 0x1BF3
        or 0x2D7F or 0xA806 or 0xA8C4 or 0xA953 or 0xA9C0 or 0xAAF6 or 0xABED or 0x11046 or 0x110B9 or 0x111C0 or 0x11235;

    /// <summary>RFC 5892, A.1: a letter that joins to its left, the mark, a letter that joins to its right.</summary>
    private static bool JoinsLetters(int[] label, int at)
    {
        int before = at - 1;
        while (before >= 0 && IsTransparent(label[before]))
            before--;
        int after = at + 1;
        while (after < label.Length && IsTransparent(label[after]))
            after++;
        return before >= 0 && after < label.Length && IsJoining(label[before]) && !JoinsRightOnly(label[before]) && IsJoining(label[after]);
    }

    private static bool IsTransparent(int c) => CharUnicodeInfo.GetUnicodeCategory(c) == UnicodeCategory.NonSpacingMark;

    private static bool IsJoining(int c) =>
        c is (>= 0x620 and <= 0x64A and not 0x621) or (>= 0x66E and <= 0x6D3 and not (0x670 or 0x674)) or 0x6D5 or (>= 0x6EE and <= 0x6FF)
            or (>= 0x710 and <= 0x77F) or (>= 0x7CA and <= 0x7EA) or (>= 0x8A0 and <= 0x8C8) or (>= 0x1820 and <= 0x1878)
        && CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.OtherLetter or UnicodeCategory.ModifierLetter;

    private static bool JoinsRightOnly(int c) => c is
        (>= 0x622 and <= 0x625) or 0x627 or 0x629 or (>= 0x62F and <= 0x632) or 0x648 or (>= 0x671 and <= 0x673) or (>= 0x675 and <= 0x677)
        or (>= 0x688 and <= 0x699) or 0x6C0 or (>= 0x6C3 and <= 0x6CB) or 0x6CD or 0x6CF or 0x6D2 or 0x6D3 or 0x6D5 or 0x6EE or 0x6EF
        or 0x710 or (>= 0x715 and <= 0x719) or 0x71E or 0x728 or 0x72A or 0x72C or 0x72F or 0x74D;
}
