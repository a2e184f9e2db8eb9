using System.Text;

namespace Steward.JsonSchemas.Formats;

/// <summary>URIs of RFC 3986 and IRIs of RFC 3987, character by character.</summary>
internal static class UriFormats
{
    private const string Unreserved = "-._~";
    private const string SubDelimiters = "!$&'()*+,;=";

    public static bool IsMatch(ReadOnlySpan<char> text, bool relative, bool international)
    {
        UriReference uri = UriReference.Parse(text.ToString());
        if (uri.Scheme is null && (!relative || HasColonInFirstSegment(uri)))
            return false;

        return (uri.Authority is null || IsAuthority(uri.Authority, international))
            && IsText(uri.Path, ":@/", international)
            && IsText(uri.Query ?? "", ":@/?", international, isQuery: true)
            && IsText(uri.Fragment ?? "", ":@/?", international);
    }

    private static bool HasColonInFirstSegment(UriReference uri) =>
        uri.Authority is null && uri.Path.AsSpan().IndexOf(':') is int colon && colon >= 0 && !uri.Path.AsSpan(0, colon).Contains('/');

    private static bool IsAuthority(string authority, bool international)
    {
        int at = authority.IndexOf('@', StringComparison.Ordinal);
        if (at >= 0 && !IsText(authority[..at], ":", international))
            return false;

        string host = authority[(at + 1)..];
        int literalEnd = host.StartsWith('[') ? host.IndexOf(']', StringComparison.Ordinal) : -1;
        if (host.StartsWith('[') && (literalEnd < 0 || !IsLiteral(host[1..literalEnd])))
            return false;

        int colon = host.IndexOf(':', literalEnd + 1);
        string name = host[(literalEnd + 1)..(colon < 0 ? host.Length : colon)];
        bool nameIsValid = literalEnd >= 0 ? name.Length == 0 : IsText(name, "", international);
        return nameIsValid && (colon < 0 || host.AsSpan(colon + 1).IndexOfAnyExceptInRange('0', '9') < 0);
    }

    private static bool IsLiteral(string literal)
    {
        if (literal.Length == 0 || literal[0] is not ('v' or 'V'))
            return IpFormats.IsV6(literal);

        int dot = literal.IndexOf('.', StringComparison.Ordinal);
        return dot > 1 && dot < literal.Length - 1 && literal[1..dot].All(char.IsAsciiHexDigit)
            && !literal.Contains('%', StringComparison.Ordinal) && IsText(literal[(dot + 1)..], ":", international: false);
    }

    private static bool IsText(string text, string extra, bool international, bool isQuery = false)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '%')
            {
                if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
                    return false;
            }
            else if (c >= 0x80)
            {
                if (!international || !Rune.TryGetRuneAt(text, i, out Rune rune) || !IsInternational(rune.Value, isQuery))
                    return false;
                i += rune.Utf16SequenceLength - 1;
            }
            else if (!char.IsAsciiLetterOrDigit(c) && !Unreserved.Contains(c) && !SubDelimiters.Contains(c) && !extra.Contains(c))
                return false;
        }

        return true;
    }

    private static bool IsInternational(int c, bool isQuery) => c switch
    {
        >= 0xE000 and <= 0xF8FF or >= 0xF0000 => isQuery && (c & 0xFFFE) != 0xFFFE,
        < 0xA0 or (>= 0xFDD0 and <= 0xFDEF) or (>= 0xFFF0 and <= 0xFFFF) => false,
        _ => (c & 0xFFFE) != 0xFFFE,
    };
}
