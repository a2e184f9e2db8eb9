using System.Globalization;
using System.Text;

namespace Steward.Models;

/// <summary>An upper bound of the tokens of a text in the vocabularies o200k and cl100k.</summary>
/// <remarks>
/// Both cut a text into pieces first (words, groups of digits, punctuation, white space), and no token reaches over a border. Where both
/// have a border, the text falls into parts that are counted for themselves: a word that both know is one token, a run of spaces one for
/// each 79, a digit one, and anything else what <see cref="TokenRun"/> says. Where only one may have a border, the gap is free.
/// </remarks>
internal ref struct TextEstimate
{
    private readonly SharedVocabulary _vocabulary = SharedVocabulary.Instance;
    private readonly ReadOnlySpan<char> _text;
    private int _at;
    private long _tokens;

    private TextEstimate(ReadOnlySpan<char> text) => _text = text;

    /// <summary>The most tokens of a text.</summary>
    public static long Of(ReadOnlySpan<char> text)
    {
        var estimate = new TextEstimate(text);
        while (estimate._at < text.Length)
            estimate.Next();
        return estimate._tokens;
    }

    /// <summary>Counts the part that begins here.</summary>
    private void Next()
    {
        char c = _text[_at];
        if (char.IsAsciiDigit(c))
        {
            _at++;
            _tokens++;
        }
        else if (IsPlainSpace(c) && !IsBeforeLetter(c) && WhiteSpace() is > 0 and int length)
        {
            _at += length;
        }
        else if (Word() is > 0 and int letters)
        {
            _at += letters;
            _tokens++;
        }
        else
        {
            Rest();
        }
    }

    /// <summary>One space before a letter: it goes with the word.</summary>
    private readonly bool IsBeforeLetter(char c) => c == ' ' && _at + 1 < _text.Length && char.IsAsciiLetter(_text[_at + 1]);

    /// <summary>The white space before what comes next: up to the last line feed, and then all but the last space,
    /// which goes with what comes next.</summary>
    /// <returns>How much of it was counted; 0 when there is but one space.</returns>
    private int WhiteSpace()
    {
        int end = _at;
        int afterFeed = _at;
        while (end < _text.Length && IsPlainSpace(_text[end]))
        {
            if (_text[end++] is '\n' or '\r')
                afterFeed = end;
        }

        // Other white space may go on with this one in ways that are not followed here.
        if (end < _text.Length && char.IsWhiteSpace(_text[end]))
            return 0;
        _tokens += Blank(_text[_at..afterFeed]);
        if (end == afterFeed)
            return end - _at;
        if (end < _text.Length)
            end--;
        _tokens += Blank(_text[afterFeed..end]);
        return end - _at;
    }

    /// <summary>White space that is a piece of its own.</summary>
    private readonly long Blank(ReadOnlySpan<char> piece)
    {
        if (piece.IsEmpty)
            return 0;
        int most = piece[0] switch { ' ' => SharedVocabulary.Spaces, '\n' => SharedVocabulary.LineFeeds, _ => 0 };
        if (most > 0 && piece.IndexOfAnyExcept(piece[0]) < 0)
            return piece.Length <= most ? 1 : (2L * piece.Length / (most + 1)) + 1; // Two neighbours together are longer than any token.
        var run = new TokenRun(_vocabulary);
        foreach (char c in piece)
            run.Add((byte)c, isFree: false);
        return run.Most;
    }

    /// <summary>A word that both vocabularies have, between two borders; 0 when there is none here.</summary>
    private readonly int Word()
    {
        int end = _at;
        if (_text[end] == ' ')
            end++;
        int first = end;
        while (end < _text.Length && end - _at <= SharedVocabulary.LongestWord && char.IsLetter(_text[end]))
            end++;
        return end > first && IsBorder(end) && _vocabulary.HasWord(_text[_at..end]) ? end - _at : 0;
    }

    /// <summary>Whether letters end here for both: not before a mark, an apostrophe or what is not assigned to a kind.</summary>
    private readonly bool IsBorder(int at) =>
        at == _text.Length || CharKinds.Of(_text[at]) is CharKind.Other && _text[at] != '\''
        || CharKinds.Of(_text[at]) is CharKind.Number or CharKind.Space or CharKind.Feed;

    /// <summary>All up to the next border of both.</summary>
    private void Rest()
    {
        var run = new TokenRun(_vocabulary);
        var gaps = new PieceBorders();
        Span<byte> utf8 = stackalloc byte[4];
        while (_at < _text.Length)
        {
            char c = _text[_at];
            if (char.IsAscii(c))
            {
                Gap before = gaps.Before(c, CharKinds.Of(c));
                if (before == Gap.Border)
                    break;
                run.Add((byte)c, before == Gap.Free);
                _at++;
                if (gaps.IsWithinSmallLetters)
                    AddSmallLetters(ref run);
                continue;
            }

            Rune.DecodeFromUtf16(_text[_at..], out Rune rune, out int length);
            Gap gap = gaps.Before(rune.Value, CharKinds.Of(rune));
            if (gap == Gap.Border)
                break;
            int bytes = rune.EncodeToUtf8(utf8);
            for (int i = 0; i < bytes; i++)
                run.Add(utf8[i], isFree: i == 0 && gap == Gap.Free);
            _at += length;
        }

        _tokens += run.Most;
    }

    /// <summary>Small letters after one another have no border between them, and change nothing of what comes after.</summary>
    private void AddSmallLetters(ref TokenRun run)
    {
        while (_at < _text.Length && char.IsAsciiLetterLower(_text[_at]))
            run.Add((byte)_text[_at++], isFree: false);
    }

    private static bool IsPlainSpace(char c) => c is ' ' or '\n' or '\r' or '\t';
}
