namespace Steward.JsonSchemas.Formats;

internal static class PointerFormats
{
    public static bool IsUuid(ReadOnlySpan<char> text)
    {
        if (text.Length != 36)
            return false;

        for (int i = 0; i < text.Length; i++)
        {
            if (i is 8 or 13 or 18 or 23 ? text[i] != '-' : !char.IsAsciiHexDigit(text[i]))
                return false;
        }

        return true;
    }

    public static bool IsJsonPointer(ReadOnlySpan<char> text)
    {
        if (text.Length > 0 && text[0] != '/')
            return false;

        for (int i = 0; i < text.Length; i++)
        {
            if (text[i] == '~' && (i + 1 >= text.Length || text[i + 1] is not ('0' or '1')))
                return false;
        }

        return true;
    }

    public static bool IsRelativeJsonPointer(ReadOnlySpan<char> text)
    {
        int digits = text.IndexOfAnyExceptInRange('0', '9');
        if (digits < 0)
            digits = text.Length;
        if (digits == 0 || (text[0] == '0' && digits > 1))
            return false;

        ReadOnlySpan<char> rest = text[digits..];
        return rest is "#" || IsJsonPointer(rest);
    }
}
