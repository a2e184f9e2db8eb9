namespace Steward.JsonSchemas.Formats;

/// <summary>Mailboxes of RFC 5321, and with international text those of RFC 6531.</summary>
internal static class EmailFormat
{
    private const string AtomSymbols = "!#$%&'*+-/=?^_`{|}~";

    public static bool IsMatch(ReadOnlySpan<char> text, bool international)
    {
        int at = text.LastIndexOf('@');
        return at > 0 && IsLocalPart(text[..at], international) && IsDomain(text[(at + 1)..], international);
    }

    private static bool IsLocalPart(ReadOnlySpan<char> text, bool international)
    {
        if (text.Length >= 2 && text[0] == '"' && text[^1] == '"')
            return IsQuoted(text[1..^1], international);

        foreach (Range range in text.Split('.'))
        {
            if (!IsAtom(text[range], international))
                return false;
        }

        return true;
    }

    private static bool IsAtom(ReadOnlySpan<char> text, bool international)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiLetterOrDigit(c) && !AtomSymbols.Contains(c) && !(international && c >= 0x80))
                return false;
        }

        return text.Length > 0;
    }

    private static bool IsQuoted(ReadOnlySpan<char> text, bool international)
    {
        for (int i = 0; i < text.Length; i++)
        {
            char c = text[i];
            if (c == '\\')
                c = ++i < text.Length ? text[i] : '\0';
            else if (c == '"')
                return false;
            if (c is < ' ' or '\x7F' || (c >= 0x80 && !international))
                return false;
        }

        return true;
    }

    private static bool IsDomain(ReadOnlySpan<char> text, bool international)
    {
        if (text.Length < 2 || text[0] != '[' || text[^1] != ']')
            return HostNames.IsHostName(text, international);

        ReadOnlySpan<char> literal = text[1..^1];
        return literal.StartsWith("IPv6:", StringComparison.OrdinalIgnoreCase) ? IpFormats.IsV6(literal[5..]) : IpFormats.IsV4(literal);
    }
}
