namespace Steward.Tools;

/// <summary>Text in which half of a surrogate pair may stand alone: .NET keeps it, UTF-8 and JSON cannot.</summary>
internal static class Utf16
{
    /// <summary>Whether every surrogate has its other half.</summary>
    public static bool IsWhole(ReadOnlySpan<char> text)
    {
        for (int i = text.IndexOfAnyInRange('\uD800', '\uDFFF'); i >= 0 && i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i]))
                continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1]))
                return false;
            i++;
        }

        return true;
    }

    /// <summary>The text with U+FFFD for each half: what is read back from a journal is then what was written.</summary>
    public static string Mend(string text) => IsWhole(text) ? text : string.Concat(text.EnumerateRunes().Select(r => r.ToString()));
}
