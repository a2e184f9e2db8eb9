using System.Globalization;
using System.Text;

namespace Steward.Models;

/// <summary>What a character is to the patterns that cut text into pieces.</summary>
internal enum CharKind
{
    /// <summary>Not assigned, for private use, beyond the basic plane: each implementation may take it for something else.</summary>
    Unknown,
    Feed,
    Space,
    Upper,
    Lower,
    Mark,
    Number,
    Other,
}

/// <summary>What stands between two characters.</summary>
internal enum Gap
{
    /// <summary>No border of either vocabulary.</summary>
    Joined,

    /// <summary>A border of one of them, perhaps.</summary>
    Free,

    /// <summary>A border of both.</summary>
    Border,
}

internal static class CharKinds
{
    private static readonly CharKind[] s_ascii =
        [.. Enumerable.Range(0, 128).Select(c => c is '\r' or '\n' ? CharKind.Feed : Category((char)c))];

    public static CharKind Of(Rune rune) => rune.IsBmp ? Of((char)rune.Value) : CharKind.Unknown;

    public static CharKind Of(char c) => char.IsAscii(c) ? s_ascii[c] : Category(c);

    private static CharKind Category(char c) => char.GetUnicodeCategory(c) switch
    {
        UnicodeCategory.UppercaseLetter or UnicodeCategory.TitlecaseLetter => CharKind.Upper,
        UnicodeCategory.LowercaseLetter or UnicodeCategory.ModifierLetter or UnicodeCategory.OtherLetter => CharKind.Lower,
        UnicodeCategory.NonSpacingMark or UnicodeCategory.SpacingCombiningMark or UnicodeCategory.EnclosingMark => CharKind.Mark,
        UnicodeCategory.DecimalDigitNumber or UnicodeCategory.LetterNumber or UnicodeCategory.OtherNumber => CharKind.Number,
        UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate => CharKind.Unknown,
        _ => char.IsWhiteSpace(c) ? CharKind.Space : CharKind.Other,
    };
}

/// <summary>Follows the patterns of o200k and cl100k from a border on, and says what stands before each further character.</summary>
/// <remarks>The patterns: github.com/openai/tiktoken/blob/main/tiktoken_ext/openai_public.py.</remarks>
internal struct PieceBorders()
{
    private const int Far = 3;

    private CharKind? _last;
    private bool _lastIsBlank;

    // The punctuation of this part: how much of it in a row, and whether all of it is known to be one piece.
    private int _others;
    private bool _isPlain = true;
    private int _sinceApostrophe = Far;

    /// <summary>Whether more small letters would change nothing here: the last character is one, and no apostrophe is near.</summary>
    public readonly bool IsWithinSmallLetters => _last == CharKind.Lower && _sinceApostrophe == Far;

    /// <summary>What stands before the next character.</summary>
    public Gap Before(int rune, CharKind kind)
    {
        Gap gap = _last is { } last ? Between(last, kind, rune) : Gap.Joined;
        if (gap == Gap.Joined && _sinceApostrophe is 1 or 2)
            gap = Gap.Free; // 's, 't, 'll and the like are pieces of their own.
        bool begins = _last is null;
        if (kind == CharKind.Other)
            _others++;
        else if (kind != CharKind.Feed)
            _others = 0;
        if (kind is CharKind.Mark or CharKind.Unknown)
            _isPlain = false;
        if (begins && kind == CharKind.Space && rune == ' ')
            _others = 1; // A space goes with the punctuation behind it, as if it were some.
        _sinceApostrophe = rune == '\'' ? 0 : Math.Min(_sinceApostrophe + 1, Far);
        if (rune == '\'' && !begins)
            _isPlain = false;
        _last = kind;
        _lastIsBlank = rune == ' ';
        return gap;
    }

    private readonly Gap Between(CharKind last, CharKind next, int rune) => (last, next) switch
    {
        (CharKind.Unknown or CharKind.Mark, CharKind.Space) => Gap.Border,
        (CharKind.Unknown, _) or (_, CharKind.Unknown) => Gap.Free,
        (CharKind.Mark, CharKind.Mark) => Gap.Joined,
        (CharKind.Mark, _) or (_, CharKind.Mark) => Gap.Free,
        (CharKind.Space, CharKind.Upper or CharKind.Lower or CharKind.Other) => _lastIsBlank ? Gap.Joined : Gap.Free,
        (CharKind.Space, CharKind.Number) => Gap.Border,
        (CharKind.Space, _) => Gap.Free,
        (CharKind.Feed, CharKind.Feed) => Gap.Joined,
        (CharKind.Feed, _) => _others > 0 && _isPlain && rune != '/' ? Gap.Border : Gap.Free,
        (CharKind.Other, CharKind.Other) => _isPlain ? Gap.Joined : Gap.Free,
        (CharKind.Other, CharKind.Feed) => Gap.Joined,
        (CharKind.Other, CharKind.Upper or CharKind.Lower) => !_isPlain ? Gap.Free : _others > 1 ? Gap.Border : Gap.Joined,
        (CharKind.Other, CharKind.Number) => Gap.Border,
        (CharKind.Other, CharKind.Space) => Gap.Border,
        (CharKind.Upper, CharKind.Upper or CharKind.Lower) or (CharKind.Lower, CharKind.Lower) => Gap.Joined,
        (CharKind.Lower, CharKind.Upper) => Gap.Free,
        (CharKind.Upper or CharKind.Lower, CharKind.Other) => rune == '\'' ? Gap.Free : Gap.Border,
        (CharKind.Number, CharKind.Number) => Gap.Free,
        _ => Gap.Border,
    };
}
