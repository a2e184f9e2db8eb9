using System.Text.Json;

namespace Steward.Tools.Declarative;

/// <summary>Where secrets come from, asked at the time of each call.</summary>
public interface ISecretSource
{
    /// <summary>The secret of that name, or null.</summary>
    string? Find(string name);
}

/// <summary>Secrets that are environment variables.</summary>
public sealed class EnvironmentSecrets : ISecretSource
{
    /// <inheritdoc/>
    public string? Find(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
}

/// <summary>Takes known secrets out of text, as they are and as URLs and JSON write them.</summary>
public sealed class SecretScrubber
{
    /// <summary>The shortest secret that is taken out; a shorter one would take too much else with it.</summary>
    public const int MinLength = 6;

    private readonly string[] _values;

    /// <summary>Knows these secrets.</summary>
    public SecretScrubber(IEnumerable<string> secrets)
    {
        ArgumentNullException.ThrowIfNull(secrets);
        // The longest first: one secret may hold another.
        _values = [.. secrets.Where(s => s.Length >= MinLength)
            .SelectMany(Forms)
            .Distinct(StringComparer.Ordinal)
            .OrderByDescending(s => s.Length)];
    }

    /// <summary>The text with <c>***</c> for each known secret.</summary>
    public string Scrub(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        foreach (string value in _values)
            text = text.Replace(value, "***", StringComparison.Ordinal);
        return text;
    }

    private static IEnumerable<string> Forms(string secret) =>
        [secret, Uri.EscapeDataString(secret), JsonEncodedText.Encode(secret).ToString()];
}
