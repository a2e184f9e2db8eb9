using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Steward.Testing.Scripting;

/// <summary>Whether a turn applies to a situation, and which named groups its patterns caught.</summary>
internal static class Matcher
{
    /// <summary>Null when it does not apply; otherwise what it caught.</summary>
    public static Dictionary<string, JsonNode?>? Match(ScriptedWhen when, Situation situation)
    {
        Dictionary<string, JsonNode?> caught = new(StringComparer.Ordinal);
        if (when.Turn is { } turn && turn != situation.Turn)
            return null;
        if (when.Instructions is { } instructions && !Contains(situation.Instructions, instructions))
            return null;
        return MatchesUser(when, situation, caught) && MatchesResult(when, situation, caught) ? caught : null;
    }

    // A user matcher alone means that the user has just spoken; beside a result it only narrows down the conversation.
    private static bool MatchesUser(ScriptedWhen when, Situation situation, Dictionary<string, JsonNode?> caught)
    {
        if (when.User is null && when.UserMatch is null)
            return true;
        if (!situation.UserIsLast && when.ToolResult is null)
            return false;
        return (when.User is null || Contains(situation.User, when.User)) && Catch(when.UserMatch, situation.User, "user", caught);
    }

    private static bool MatchesResult(ScriptedWhen when, Situation situation, Dictionary<string, JsonNode?> caught)
    {
        if (when.ToolResult is null)
            return true;
        foreach (Situation.Result result in situation.Results)
        {
            if ((when.ToolResult == "*" || result.Tool == when.ToolResult)
                && (when.ResultContains is null || Contains(result.Text, when.ResultContains))
                && Catch(when.ResultMatch, result.Text, "result", caught))
                return true;
        }

        return false;
    }

    private static bool Catch(Regex? pattern, string text, string prefix, Dictionary<string, JsonNode?> caught)
    {
        if (pattern is null)
            return true;
        Match match = pattern.Match(text);
        if (!match.Success)
            return false;
        foreach (string name in pattern.GetGroupNames())
        {
            if (!char.IsAsciiDigit(name[0]) && match.Groups[name].Success)
                caught[$"{prefix}.{name}"] = match.Groups[name].Value;
        }

        return true;
    }

    private static bool Contains(string text, string part) => text.Contains(part, StringComparison.OrdinalIgnoreCase);
}
