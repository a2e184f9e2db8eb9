using System.Text.RegularExpressions;
using Steward.Declarative.Yaml;
using Steward.Tools.Declarative;

namespace Steward.Declarative.Sections;

/// <summary>Fills <c>${env:NAME}</c> and <c>${secret:NAME}</c>; both are
/// environment variables. Secrets never stand in the file itself.</summary>
internal static partial class Variables
{
    private static readonly string[] s_credentials =
    [
        "authorization",
        "proxy-authorization",
        "x-api-key",
        "api-key",
        "cookie",
        "x-goog-api-key",
    ];

    /// <summary>The text with its variables filled in; null, and their names, when some are not set.</summary>
    public static (string? Text, IReadOnlyList<string> Missing) Fill(YamlValue value, AgentFileOptions options)
    {
        string text = value.Text();
        Check(value, text);
        List<string> missing = [];
        string filled = Pattern().Replace(text, match =>
        {
            string name = match.Groups["name"].Value;
            if (options.Environment(name) is { Length: > 0 } found)
                return found;
            missing.Add(name);
            return "";
        });
        return missing.Count == 0 ? (filled, []) : (null, missing);
    }

    /// <summary>The text with its variables filled in.</summary>
    /// <exception cref="AgentFileException">One is not set.</exception>
    public static string Need(YamlValue value, AgentFileOptions options)
    {
        (string? text, IReadOnlyList<string> missing) = Fill(value, options);
        return text ?? throw value.Error($"The environment variable '{missing[0]}' is not set. Set it, or change what names it here.");
    }

    /// <summary>A text with every variable as <c>${secret:NAME}</c>: tools
    /// read them at each call and take them out of what they say.</summary>
    public static string AsSecrets(YamlValue value)
    {
        string text = value.Text();
        Check(value, text);
        return Pattern().Replace(text, "${secret:${name}}".Replace("${secret", "$${secret", StringComparison.Ordinal));
    }

    /// <summary>Refuses a credential that is written out.</summary>
    public static void RefuseLiteral(YamlValue value)
    {
        if (!Pattern().IsMatch(value.Text()))
            throw value.Error(
                "A secret may not stand in the file, where it ends in version control. Write ${env:NAME} and set the environment variable NAME.");
    }

    public static bool IsCredential(string header) => s_credentials.Contains(header, StringComparer.OrdinalIgnoreCase);

    private static void Check(YamlValue value, string text)
    {
        string rest = Pattern().Replace(text, "");
        if (rest.IndexOf("${", StringComparison.Ordinal) is var at and >= 0)
            throw value.Error(
                $"'{rest[at..Math.Min(rest.Length, at + 40)]}' is no placeholder. Write ${{env:NAME}} or ${{secret:NAME}}, where NAME is an environment variable.");
    }

    [GeneratedRegex(@"\$\{(env|secret):(?<name>[A-Za-z_][A-Za-z0-9_]*)\}", RegexOptions.CultureInvariant | RegexOptions.ExplicitCapture)]
    private static partial Regex Pattern();

    /// <summary>Secrets from the environment that the loader was given.</summary>
    internal sealed class Source(AgentFileOptions options) : ISecretSource
    {
        public string? Find(string name) => options.Environment(name) is { Length: > 0 } value ? value : null;
    }
}
