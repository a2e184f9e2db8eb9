using System.Text.RegularExpressions;

namespace Steward.Agents;

/// <summary>Checks that the answer matches a regular expression, or does
/// not. Says nothing about the world: use it beside one that does.</summary>
public sealed class AnswerMatchesValidator : IValidator
{
    private static readonly TimeSpan s_limit = TimeSpan.FromSeconds(1);
    private readonly Regex _pattern;
    private readonly bool _expected;

    /// <summary>Makes the validator.</summary>
    /// <param name="name">Its name, unique within the agent.</param>
    /// <param name="pattern">A regular expression of .NET; it may match anywhere, so anchor it.</param>
    /// <param name="matches">Whether the answer must match; false when it must not.</param>
    /// <exception cref="ArgumentException">The pattern is not a regular expression.</exception>
    public AnswerMatchesValidator(string name, string pattern, bool matches = true)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(name);
        Name = name;
        _pattern = new Regex(pattern, RegexOptions.CultureInvariant, s_limit);
        _expected = matches;
        Description = $"The answer {(matches ? "matches" : "does not match")} /{pattern}/.";
    }

    /// <inheritdoc/>
    public string Name { get; }

    /// <inheritdoc/>
    public string Description { get; }

    /// <inheritdoc/>
    public ValueTask<Finding> ValidateAsync(ValidationContext context, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(context);
        return new ValueTask<Finding>(Look(context.Answer));
    }

    private Finding Look(string answer)
    {
        try
        {
            Match match = _pattern.Match(answer);
            string evidence = match.Success
                ? $"The answer matches /{_pattern}/ at character {match.Index + 1}: \"{JsonMatch.Short(match.Value)}\"."
                : $"The answer does not match /{_pattern}/: \"{JsonMatch.Short(answer)}\".";
            return match.Success == _expected ? Finding.Passed(evidence) : Finding.Failed(evidence);
        }
        catch (RegexMatchTimeoutException)
        {
            return Finding.Inconclusive($"Matching the answer with /{_pattern}/ took longer than {s_limit.TotalSeconds} s.");
        }
    }
}
