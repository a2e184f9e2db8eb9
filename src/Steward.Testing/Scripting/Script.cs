using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Testing.Scripting;

/// <summary>A list of turns, and how one is chosen.</summary>
/// <remarks>
/// Nothing is remembered between requests. The conversation so far is played through again: at each of the model's answers the turn is
/// chosen as it was then, counted, and its captures kept. So a process that was killed and started again goes on at the same line.
/// </remarks>
internal sealed class Script(string name, IReadOnlyList<ScriptedTurn> turns)
{
    public string Name => name;

    /// <summary>The turn that answers a conversation, and what its texts may use; null when there is none.</summary>
    public Choice? Choose(IReadOnlyList<ChatMessage> messages, ChatOptions? options)
    {
        int[] used = new int[turns.Count];
        Dictionary<string, JsonNode?> values = new(StringComparer.Ordinal);
        for (int i = 0; i < messages.Count; i++)
        {
            if (messages[i].Role == ChatRole.Assistant)
                Take(Situation.At(messages, i, options), used, values, strict: false);
        }

        var situation = Situation.At(messages, messages.Count, options);
        int turn = Take(situation, used, values, strict: true);
        return turn < 0 ? null : new Choice(turn, turns[turn], situation, values);
    }

    public Exception Failure(string why) =>
        new Models.ModelException(ModelFailure.InvalidRequest, $"The script '{name}' cannot answer: {why}.") { NotBilled = true };

    private int Take(Situation situation, int[] used, Dictionary<string, JsonNode?> values, bool strict)
    {
        int turn = Find(situation, used, isDefault: false, out Dictionary<string, JsonNode?> caught);
        if (turn < 0)
            turn = Find(situation, used, isDefault: true, out caught);
        if (turn < 0)
            return turn;
        used[turn]++;
        foreach ((string key, JsonNode? value) in caught)
            values[key] = value;
        foreach ((string key, string path) in turns[turn].Captures)
            Capture(turns[turn], key, path, situation, values, strict);
        return turn;
    }

    private int Find(Situation situation, int[] used, bool isDefault, out Dictionary<string, JsonNode?> caught)
    {
        for (int i = 0; i < turns.Count; i++)
        {
            ScriptedTurn turn = turns[i];
            if (turn.When.Default == isDefault
                && used[i] < (turn.Repeat ?? (isDefault ? int.MaxValue : 1))
                && Matcher.Match(turn.When, situation) is { } match)
            {
                caught = match;
                return i;
            }
        }

        caught = [];
        return -1;
    }

    private void Capture(ScriptedTurn turn, string key, string path, Situation situation, Dictionary<string, JsonNode?> values, bool strict)
    {
        foreach (Situation.Result result in situation.Results.Reverse())
        {
            if (turn.When.ToolResult is null or "*" || turn.When.ToolResult == result.Tool)
            {
                if (result.TryFind(path, out JsonNode? found))
                {
                    values[key] = found;
                    return;
                }
            }
        }

        if (strict)
            throw Failure($"it captures '{key}' at '{path}', where {situation.Describe()} has nothing");
    }

    /// <summary>A chosen turn.</summary>
    internal sealed record Choice(int Index, ScriptedTurn Turn, Situation Situation, IReadOnlyDictionary<string, JsonNode?> Values);
}
