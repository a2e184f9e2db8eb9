namespace Steward.Journal;

/// <summary>What callers mark runs with: at most <see cref="MaxCount"/> short strings by name.</summary>
public static class Labels
{
    /// <summary>Most labels of a run.</summary>
    public const int MaxCount = 16;

    /// <summary>The longest name, in characters.</summary>
    public const int MaxName = 64;

    /// <summary>The longest value, in characters.</summary>
    public const int MaxValue = 256;

    /// <summary>Checks labels.</summary>
    /// <exception cref="ArgumentException">There are too many, or one is not usable; the message names it and what is.</exception>
    public static void Check(IReadOnlyDictionary<string, string>? labels)
    {
        if (labels is null)
            return;
        if (labels.Count > MaxCount)
            throw new ArgumentException($"There are {labels.Count} labels; give at most {MaxCount}.");
        foreach ((string name, string value) in labels)
            Check(name, value);
    }

    /// <summary>Reads labels as people write them: a name, a separator and a value each.</summary>
    /// <param name="texts">The labels, for example <c>ticket=991</c>.</param>
    /// <param name="separator">What stands between name and value; no name has it.</param>
    /// <exception cref="ArgumentException">One is not usable, or a name is there twice; the message names it.</exception>
    public static IReadOnlyDictionary<string, string> Parse(IEnumerable<string> texts, char separator = '=')
    {
        ArgumentNullException.ThrowIfNull(texts);
        SortedDictionary<string, string> labels = new(StringComparer.Ordinal);
        foreach (string text in texts)
        {
            int at = text.IndexOf(separator, StringComparison.Ordinal);
            if (at < 0)
                throw new ArgumentException(
                    $"'{Shorten(text)}' is not a label; write NAME{separator}VALUE, for example ticket{separator}991.");
            if (!labels.TryAdd(text[..at], text[(at + 1)..]))
                throw new ArgumentException($"The label '{Shorten(text[..at])}' is there twice; give each name once.");
        }

        Check(labels);
        return labels;
    }

    private static void Check(string name, string? value)
    {
        if (name.Length is 0 or > MaxName || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/'))
            throw new ArgumentException(
                $"The label name '{Shorten(name)}' is not usable; use 1 to {MaxName} letters, digits, '.', '_', '-' or '/'.");
        if (value is null || value.Length > MaxValue)
            throw new ArgumentException(
                $"The value of the label '{name}' has {value?.Length ?? 0} characters; it must be a text of at most {MaxValue}.");

        // A control character breaks a line of a list, and PostgreSQL has no text with a zero in it; half a character is no text anywhere.
        if (value.Any(char.IsControl) || value.EnumerateRunes().Contains(System.Text.Rune.ReplacementChar))
            throw new ArgumentException(
                $"The value of the label '{name}' has a control character or half a character; use printable text.");
    }

    private static string Shorten(string text) => text.Length <= MaxName ? text : $"{text[..MaxName]}…";
}
