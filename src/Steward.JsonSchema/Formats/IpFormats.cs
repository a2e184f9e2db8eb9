namespace Steward.JsonSchemas.Formats;

/// <summary>IP addresses as RFC 2673 and RFC 4291 write them.</summary>
internal static class IpFormats
{
    public static bool IsV4(ReadOnlySpan<char> text)
    {
        var octets = 0;
        foreach (var range in text.Split('.'))
        {
            if (++octets > 4 || !IsOctet(text[range]))
                return false;
        }

        return octets == 4;
    }

    public static bool IsV6(ReadOnlySpan<char> text)
    {
        var gap = text.IndexOf("::");
        if (gap < 0)
            return Groups(text, mayEndInV4: true) == 8;

        var head = text[..gap];
        var tail = text[(gap + 2)..];
        var before = head.Length == 0 ? 0 : Groups(head, mayEndInV4: false);
        var after = tail.Length == 0 ? 0 : Groups(tail, mayEndInV4: true);
        return before is { } a && after is { } b && a + b <= 7;
    }

    private static int? Groups(ReadOnlySpan<char> text, bool mayEndInV4)
    {
        var count = 0;
        while (true)
        {
            var colon = text.IndexOf(':');
            var group = colon < 0 ? text : text[..colon];
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

        var value = 0;
        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c))
                return false;
            value = value * 10 + (c - '0');
        }

        return value <= 255;
    }

    private static bool IsHex(ReadOnlySpan<char> text)
    {
        foreach (var c in text)
        {
            if (!char.IsAsciiHexDigit(c))
                return false;
        }

        return true;
    }
}
