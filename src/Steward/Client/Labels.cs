namespace Steward.Client;

/// <summary>What callers mark runs with: a small map of strings in <c>run.started</c>.</summary>
internal static class Labels
{
    /// <summary>Most labels of a run.</summary>
    public const int MaxCount = 16;

    /// <summary>The longest name.</summary>
    public const int MaxName = 64;

    /// <summary>The longest value, in characters.</summary>
    public const int MaxValue = 256;

    /// <summary>Checks labels that a caller gives.</summary>
    /// <exception cref="ArgumentException">There are too many, or one is not usable; the message names it.</exception>
    public static void Check(IReadOnlyDictionary<string, string>? labels)
    {
        if (labels is null)
            return;
        if (labels.Count > MaxCount)
            throw new ArgumentException($"The run has {labels.Count} labels; at most {MaxCount}.", nameof(labels));
        foreach ((string name, string value) in labels)
        {
            if (name.Length is 0 or > MaxName || !name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/'))
                throw new ArgumentException($"The label '{name}' is not usable: a name is 1 to {MaxName} letters, digits, '.', '_', '-' or '/'.", nameof(labels));
            if (value is null || value.Length > MaxValue)
                throw new ArgumentException($"The value of the label '{name}' has {value?.Length ?? 0} characters; it must be a text of at most {MaxValue}.", nameof(labels));
        }
    }
}
