namespace Steward.JsonSchemas.Formats;

/// <summary>URI templates of RFC 6570.</summary>
internal static class UriTemplateFormat
{
    public static bool IsMatch(ReadOnlySpan<char> text)
    {
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '{')
            {
                int end = text[i..].IndexOf('}');
                if (end < 0 || !IsExpression(text.Slice(i + 1, end - 1)))
                    return false;
                i += end;
            }
            else if (text[i] == '%' ? !IsTriplet(text[i..]) : !IsLiteral(text[i]))
                return false;
        }

        return true;
    }

    private static bool IsLiteral(char c) =>
        c is > ' ' and not ('"' or '<' or '>' or '\\' or '^' or '`' or '{' or '|' or '}' or '\x7F') and not (>= '\x80' and < '\xA0');

    private static bool IsExpression(ReadOnlySpan<char> text)
    {
        if (text.Length > 0 && "+#./;?&=,!@|".Contains(text[0]))
            text = text[1..];

        foreach (Range range in text.Split(','))
        {
            if (!IsVariable(text[range]))
                return false;
        }

        return true;
    }

    private static bool IsVariable(ReadOnlySpan<char> text)
    {
        if (text.EndsWith("*"))
            return IsName(text[..^1]);

        int colon = text.IndexOf(':');
        return colon < 0 ? IsName(text) : IsName(text[..colon]) && IsPrefixLength(text[(colon + 1)..]);
    }

    private static bool IsPrefixLength(ReadOnlySpan<char> text) =>
        text.Length is >= 1 and <= 4 && text[0] != '0' && text.IndexOfAnyExceptInRange('0', '9') < 0;

    private static bool IsName(ReadOnlySpan<char> text)
    {
        bool afterDot = true;
        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '.' && afterDot)
                return false;
            afterDot = text[i] == '.';
            if (afterDot || char.IsAsciiLetterOrDigit(text[i]) || text[i] == '_')
                continue;
            if (!IsTriplet(text[i..]))
                return false;
            i += 2;
        }

        return !afterDot;
    }

    private static bool IsTriplet(ReadOnlySpan<char> text) =>
        text.Length >= 3 && text[0] == '%' && char.IsAsciiHexDigit(text[1]) && char.IsAsciiHexDigit(text[2]);
}
