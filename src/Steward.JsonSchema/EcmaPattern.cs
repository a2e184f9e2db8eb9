using System.Text.RegularExpressions;

namespace Steward.JsonSchemas;

/// <summary>An ECMA-262 regular expression (with the "u" flag), translated to .NET and guarded by a time limit.</summary>
internal sealed class EcmaPattern(string source)
{
    private static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(250);

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

    /// <exception cref="RegexMatchTimeoutException">The match takes too long; the exception names the pattern as it was written.</exception>
    public bool IsMatch(ReadOnlySpan<char> text)
    {
        try
        {
            return _regex.IsMatch(text);
        }
        catch (RegexMatchTimeoutException)
        {
            throw new RegexMatchTimeoutException("", source, Limit);
        }
    }

    private static Regex Build(string source)
    {
        try
        {
            return new(EcmaTranslator.Translate(source), RegexOptions.CultureInvariant, Limit);
        }
        catch (RegexParseException e)
        {
            throw new FormatException(e.Message, e);
        }
    }
}
