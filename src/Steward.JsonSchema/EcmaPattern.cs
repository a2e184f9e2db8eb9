using System.Text.RegularExpressions;

namespace Steward.JsonSchemas;

/// <summary>An ECMA-262 regular expression (with the "u" flag), translated to .NET and guarded by a time limit.</summary>
internal sealed class EcmaPattern(string source)
{
    private static readonly TimeSpan s_limit = TimeSpan.FromMilliseconds(250);

    private readonly Regex _regex = Build(source);

    public string Source => source;

    public static bool IsWellFormed(string source)
    {
        try
        {
            _ = Build(source);
            return true;
        }
        catch (FormatException)
        {
            return false;
        }
    }

    /// <exception cref="RegexMatchTimeoutException">The match takes too long; it names the pattern as it was written.</exception>
    public bool IsMatch(ReadOnlySpan<char> text)
    {
        try
        {
            return _regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new RegexMatchTimeoutException("", source, s_limit);
        }
    }

    private static Regex Build(string source)
    {
        try
        {
            return new(EcmaTranslator.Translate(source), RegexOptions.CultureInvariant, s_limit);
        }
        catch (RegexParseException e)
        {
            throw new FormatException(e.Message, e);
        }
    }
}
