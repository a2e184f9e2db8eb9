using System.Globalization;
using System.Text;
using Steward.Journal;

namespace Steward.Tools;

/// <summary>Tells characters that a person sees from those that hide, reorder or imitate what is written. Pure.</summary>
/// <remarks>
/// Letters of every script are shown as they are. What has no shape of its own is not: controls, direction marks, zero-width characters,
/// spaces that are not the space bar's, private and unassigned code points. A joiner or a variation selector is shown where it belongs to
/// its script or emoji. A letter that looks Latin and is not, such as the Cyrillic <c>а</c>, is not shown inside of a Latin word.
/// </remarks>
internal static class VisibleCharacters
{
    /// <summary>Marks in a row that some script needs; more only cover what stands beside them.</summary>
    private const int MostMarks = 4;

    private const string LooksLatin =
        "АВЕЅІЈКМНОРСТУХҮԌԚԜӀаеіјорсухѕԁԛԝһӏѵѡҽգոսօԱՏՕհցյ"
        + "ΑΒΕΖΗΙΚΜΝΟΡΤΥΧαικνορυχϲϳ"
        + "ᎪᏴᏟᎠᎬᎻᎫᏞᎷᏢᎡᏚᎢᏙᎳᏃꓐꓑꓒꓓꓔꓖꓗꓙꓚꓝꓟꓠꓡꓢꓣꓤꓦꓧꓪꓫꓬꓮꓰꓲꓳꓴɑɡıⅼⅰⅴⅹⅽⅾⅿ";

    /// <summary>What looks like the punctuation of an address or a path: a slash, a dot, a colon.</summary>
    private const string LooksPunctuation = "\u2024\u2044\u2215\u29F8\u2236\uA789\u05C3\u0589\uA4F8\uA4FD\u01C3\u2571";

    /// <summary>Whether a character has no shape of its own, or none that everybody sees alike.</summary>
    public static bool IsHidden(Rune rune) => Printable.IsHidden(rune) || Rune.GetUnicodeCategory(rune) switch
    {
        UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned => true,
        UnicodeCategory.SpaceSeparator => rune.Value is not (' ' or 0x3000),
        // An empty Braille cell, an object's place, fillers, and strokes through the letter before them.
        _ => rune.Value is 0x2800 or 0xFFFC or 0x16FE4 or 0x1D159 or (>= 0x0335 and <= 0x0338) or (>= 0x20D2 and <= 0x20E5 and not 0x20E3),
    };

    /// <summary>For each character of a text, whether it deceives where it stands.</summary>
    /// <param name="runes">The text; <see cref="Rune.ReplacementChar"/> in place of an unpaired surrogate.</param>
    public static bool[] Deceptive(IReadOnlyList<Rune> runes)
    {
        bool[] deceptive = new bool[runes.Count];
        int marks = 0;
        for (int i = 0; i < runes.Count; i++)
        {
            bool mark = IsMark(runes[i]);
            marks = mark ? marks + 1 : 0;
            deceptive[i] = IsHidden(runes[i])
                ? !Belongs(runes, i)
                : mark && (marks > MostMarks || i == 0 || !Carries(runes[i - marks], runes[i]));
        }

        for (int start = 0; start < runes.Count;)
        {
            int end = start;
            while (end < runes.Count && !Rune.IsWhiteSpace(runes[end]))
                end++;
            if (end > start)
                MarkImitations(runes, start, end, deceptive);
            start = Math.Max(end, start + 1);
        }

        return deceptive;
    }

    /// <summary>Whether a joiner or a variation selector stands where its script or emoji needs it.</summary>
    private static bool Belongs(IReadOnlyList<Rune> runes, int i)
    {
        if (i == 0)
            return false;
        Rune before = runes[i - 1];
        Rune? after = i + 1 < runes.Count ? runes[i + 1] : null;
        return runes[i].Value switch
        {
            0x200C => after is { } next && IsJoining(before) && IsJoining(next),
            0x200D => after is { } next && ((IsJoining(before) && IsJoining(next)) || (IsEmojiPart(before) && IsPicture(next))),
            0xFE0E or 0xFE0F => IsPicture(before)
                || before.Value is 0x203C or 0x2049 or 0x3030 or 0x303D
                || (before.Value is (>= '0' and <= '9') or '#' or '*' && after?.Value == 0x20E3),
            _ => false,
        };
    }

    /// <summary>Whether a letter is of a script that needs joiners: Arabic, Syriac, and those of India and beyond.</summary>
    private static bool IsJoining(Rune rune) => rune.Value is
        (>= 0x0620 and <= 0x08FF) or (>= 0x0900 and <= 0x0DFF) or (>= 0x1000 and <= 0x109F) or (>= 0x1780 and <= 0x18AF)
        && (Rune.IsLetter(rune) || IsMark(rune));

    private static bool IsPicture(Rune rune) =>
        Rune.GetUnicodeCategory(rune) is UnicodeCategory.OtherSymbol or UnicodeCategory.MathSymbol && rune.Value > 0x7F && !IsHidden(rune);

    private static bool IsEmojiPart(Rune rune) => IsPicture(rune) || rune.Value is 0xFE0F or (>= 0x1F3FB and <= 0x1F3FF);

    private static bool IsMark(Rune rune) =>
        Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.SpacingCombiningMark;

    /// <summary>Whether a mark has a letter, a digit or a picture to stand on.</summary>
    private static bool Carries(Rune carrier, Rune mark) =>
        Rune.IsLetterOrDigit(carrier) || IsPicture(carrier) || (mark.Value == 0x20E3 && carrier.Value is '#' or '*');

    /// <summary>Marks what imitates Latin letters in a stretch without white space that has Latin letters too.</summary>
    private static void MarkImitations(IReadOnlyList<Rune> runes, int start, int end, bool[] deceptive)
    {
        if (!Any(runes, start, end, static r => char.IsAsciiLetter((char)r.Value) && r.IsAscii))
            return;
        for (int i = start; i < end;)
        {
            if (runes[i].IsBmp && LooksPunctuation.Contains((char)runes[i].Value))
                deceptive[i] = true;
            int after = i;
            while (after < end && (Rune.IsLetterOrDigit(runes[after]) || IsMark(runes[after])))
                after++;
            if (after > i && IsImitation(runes, i, after))
            {
                for (int k = i; k < after; k++)
                    deceptive[k] |= Imitates(runes[k]);
            }

            i = Math.Max(after, i + 1);
        }
    }

    /// <summary>Whether a word mixes Latin letters with others that look so, or is spelled of the latter alone.</summary>
    private static bool IsImitation(IReadOnlyList<Rune> runes, int start, int end) =>
        Any(runes, start, end, Imitates)
        && (Any(runes, start, end, static r => r.IsAscii && char.IsAsciiLetter((char)r.Value))
            || (end - start > 1 && !Any(runes, start, end, static r => Rune.IsLetter(r) && !Imitates(r))));

    private static bool Imitates(Rune rune) => rune.IsBmp && !rune.IsAscii && LooksLatin.Contains((char)rune.Value);

    private static bool Any(IReadOnlyList<Rune> runes, int start, int end, Func<Rune, bool> holds)
    {
        for (int i = start; i < end; i++)
        {
            if (holds(runes[i]))
                return true;
        }

        return false;
    }
}
