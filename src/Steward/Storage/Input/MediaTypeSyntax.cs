using System.Buffers;

namespace Steward.Storage;

/// <summary>Which media types a message can bear: <c>type/subtype</c> by RFC 9110, with parameters or without.</summary>
internal static class MediaTypeSyntax
{
    private const int MaxLength = 255;

    private static readonly SearchValues<char> s_token =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    public static bool IsValid(string text)
    {
        if (text.Length > MaxLength)
            return false;
        ReadOnlySpan<char> rest = text;
        if (!TakeToken(ref rest) || !Take(ref rest, '/') || !TakeToken(ref rest))
            return false;
        while (!rest.IsEmpty)
        {
            rest = rest.TrimStart(' ');
            if (!Take(ref rest, ';'))
                return false;
            rest = rest.TrimStart(' ');
            if (!TakeToken(ref rest) || !Take(ref rest, '=') || !(TakeToken(ref rest) || TakeQuoted(ref rest)))
                return false;
        }

        return true;
    }

    private static bool Take(ref ReadOnlySpan<char> rest, char expected)
    {
        if (rest is not [char first, ..] || first != expected)
            return false;
        rest = rest[1..];
        return true;
    }

    private static bool TakeToken(ref ReadOnlySpan<char> rest)
    {
        int end = rest.IndexOfAnyExcept(s_token);
        int length = end < 0 ? rest.Length : end;
        rest = rest[length..];
        return length > 0;
    }

    private static bool TakeQuoted(ref ReadOnlySpan<char> rest)
    {
        if (!Take(ref rest, '"'))
            return false;
        int end = rest.IndexOfAnyExceptInRange(' ', '~');
        int quote = rest.IndexOf('"');
        if (quote < 0 || end >= 0 && end < quote || rest[..quote].Contains('\\'))
            return false;
        rest = rest[(quote + 1)..];
        return true;
    }
}
