using System.Globalization;

namespace Steward.JsonSchemas.Formats;

internal enum BidiClass
{
    LeftToRight,
    RightToLeft,
    EuropeanNumber,
    ArabicNumber,
    NonSpacingMark,
    Neutral,
}

/// <summary>The rule of RFC 5893 for labels of a name that holds right-to-left text.</summary>
internal static class Bidi
{
    public static BidiClass ClassOf(int c) => c switch
    {
        >= '0' and <= '9' or (>= 0x6F0 and <= 0x6F9) => BidiClass.EuropeanNumber,
        (>= 0x660 and <= 0x669) or 0x66B or 0x66C => BidiClass.ArabicNumber,
        _ when CharUnicodeInfo.GetUnicodeCategory(c) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark =>
            BidiClass.NonSpacingMark,
        (>= 0x590 and <= 0x8FF) or (>= 0xFB1D and <= 0xFDFF) or (>= 0xFE70 and <= 0xFEFE) => BidiClass.RightToLeft,
        (>= 0x10800 and <= 0x10FFF) or (>= 0x1E800 and <= 0x1EFFF) => BidiClass.RightToLeft,
        '-' or 0xB7 or 0x375 or 0x200C or 0x200D or 0x30FB => BidiClass.Neutral,
        _ => BidiClass.LeftToRight,
    };

    public static bool IsLabel(int[] label)
    {
        BidiClass[] classes = Array.ConvertAll(label, ClassOf);
        BidiClass last = Array.FindLast(classes, c => c != BidiClass.NonSpacingMark);
        return classes[0] switch
        {
            BidiClass.RightToLeft => last is BidiClass.RightToLeft or BidiClass.EuropeanNumber or BidiClass.ArabicNumber
                && !classes.Contains(BidiClass.LeftToRight)
                && !(classes.Contains(BidiClass.EuropeanNumber) && classes.Contains(BidiClass.ArabicNumber)),
            BidiClass.LeftToRight => last is BidiClass.LeftToRight or BidiClass.EuropeanNumber
                && !classes.Contains(BidiClass.RightToLeft) && !classes.Contains(BidiClass.ArabicNumber),
            _ => false,
        };
    }
}
