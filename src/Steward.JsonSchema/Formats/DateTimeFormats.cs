namespace Steward.JsonSchemas.Formats;

/// <summary>Dates, times and durations of RFC 3339, with leap seconds.</summary>
internal static class DateTimeFormats
{
    public static bool IsDateTime(ReadOnlySpan<char> text) =>
        text.Length > 11 && text[10] is 'T' or 't' && IsDate(text[..10]) && IsTime(text[11..]);

    public static bool IsDate(ReadOnlySpan<char> text) =>
        text.Length == 10 && text[4] == '-' && text[7] == '-'
        && Number(text[..4]) is { } year && Number(text[5..7]) is { } month && Number(text[8..]) is { } day
        && month is >= 1 and <= 12 && day >= 1
        && day <= (year == 0 ? DateTime.DaysInMonth(2000, month) : DateTime.DaysInMonth(year, month));

    public static bool IsTime(ReadOnlySpan<char> text)
    {
        if (text.Length < 9 || text[2] != ':' || text[5] != ':')
            return false;
        if (Number(text[..2]) is not { } hour || Number(text[3..5]) is not { } minute || Number(text[6..8]) is not { } second)
            return false;

        ReadOnlySpan<char> rest = text[8..];
        if (rest[0] == '.')
        {
            int digits = rest[1..].IndexOfAnyExceptInRange('0', '9');
            if (digits <= 0)
                return false;
            rest = rest[(digits + 1)..];
        }

        return hour <= 23 && minute <= 59 && OffsetMinutes(rest) is { } offset
            && (second <= 59 || (second == 60 && (hour * 60 + minute - offset + 1440) % 1440 == 1439));
    }

    /// <summary>Whether a time has the second 60.</summary>
    public static bool IsLeap(ReadOnlySpan<char> time) => time.Length >= 8 && time[6] == '6';

    /// <summary>The grammar of RFC 3339, appendix A: units in order and without a gap, weeks alone.</summary>
    public static bool IsDuration(ReadOnlySpan<char> text)
    {
        if (text.Length < 3 || text[0] != 'P')
            return false;

        ReadOnlySpan<char> rest = text[1..];
        if (rest[^1] == 'W')
            return rest.Length > 1 && rest[..^1].IndexOfAnyExceptInRange('0', '9') < 0;

        int split = rest.IndexOf('T');
        if (split < 0)
            return IsRun(rest, "YMD");
        return (split == 0 || IsRun(rest[..split], "YMD")) && IsRun(rest[(split + 1)..], "HMS");
    }

    private static bool IsRun(ReadOnlySpan<char> text, ReadOnlySpan<char> units)
    {
        int last = -1;
        while (text.Length > 0)
        {
            int digits = text.IndexOfAnyExceptInRange('0', '9');
            int unit = digits <= 0 ? -1 : units.IndexOf(text[digits]);
            if (unit < 0 || (last >= 0 && unit != last + 1))
                return false;
            last = unit;
            text = text[(digits + 1)..];
        }

        return last >= 0;
    }

    private static int? OffsetMinutes(ReadOnlySpan<char> text)
    {
        if (text is "Z" or "z")
            return 0;
        if (text.Length != 6 || text[0] is not ('+' or '-') || text[3] != ':')
            return null;
        if (Number(text[1..3]) is not { } hours || Number(text[4..]) is not { } minutes || hours > 23 || minutes > 59)
            return null;

        return (text[0] == '-' ? -1 : 1) * (hours * 60 + minutes);
    }

    private static int? Number(ReadOnlySpan<char> digits)
    {
        int value = 0;
        foreach (char c in digits)
        {
            if (!char.IsAsciiDigit(c))
                return null;
            value = value * 10 + (c - '0');
        }

        return value;
    }
}
