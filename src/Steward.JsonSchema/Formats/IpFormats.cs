namespace Steward.JsonSchemas.Formats;

/// <summary>IP addresses as RFC 2673 and RFC 4291 write them.</summary>
internal static class IpFormats
{
    public static bool IsV4(ReadOnlySpan<char> text)
    {
        int octets = 0;
        foreach (Range range in text.Split('.'))
        {
            if (++octets > 4 || !IsOctet(text[range]))
                return false;
        }

        return octets == 4;
    }

    public static bool IsV6(ReadOnlySpan<char> text)
    {
        int gap = text.IndexOf("::");
        if (gap < 0)
            return Groups(text, mayEndInV4: true) == 8;

        ReadOnlySpan<char> head = text[..gap];
        ReadOnlySpan<char> tail = text[(gap + 2)..];
        int? before = head.Length == 0 ? 0 : Groups(head, mayEndInV4: false);
        int? after = tail.Length == 0 ? 0 : Groups(tail, mayEndInV4: true);
        return before is { } a && after is { } b && a + b <= 7;
    }

    private static int? Groups(ReadOnlySpan<char> text, bool mayEndInV4)
    {
        int count = 0;
        while (true)
        {
            int colon = text.IndexOf(':');
            ReadOnlySpan<char> group = colon < 0 ? text : text[..colon];
            if (colon < 0 && mayEndInV4 && IsV4(group))
                return count + 2;
            if (group.Length is 0 or > 4 || !IsHex(group))
                return null;

            count++;
            if (colon < 0)
                return count;
            text = text[(colon + 1)..];
        }
    }

    private static bool IsOctet(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > 3 || (text.Length > 1 && text[0] == '0'))
            return false;

        int value = 0;
        foreach (char c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            value = value * 10 + (c - '0');
        }

        return value <= 255;
    }

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (char c in text)
        {
            if (!char.IsAsciiHexDigit(c))
                return false;
        }

        return true;
    }
}
