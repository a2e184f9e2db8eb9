using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Tools.Declarative;

namespace Steward.Testing.Scripting;

/// <summary>What a request looks like at one point of a conversation: all that matchers and templates see.</summary>
internal sealed class Situation
{
    private Situation(int turn, string instructions, string user, bool userIsLast, IReadOnlyList<Result> results, Result? lastResult)
    {
        Turn = turn;
        Instructions = instructions;
        User = user;
        UserIsLast = userIsLast;
        Results = results;
        LastResult = lastResult;
    }

    /// <summary>The number of the answer that is due, from 1.</summary>
    public int Turn { get; }

    public string Instructions { get; }

    /// <summary>The last user message.</summary>
    public string User { get; }

    /// <summary>Whether nothing came after it.</summary>
    public bool UserIsLast { get; }

    /// <summary>The tool results that came after the model's last answer.</summary>
    public IReadOnlyList<Result> Results { get; }

    /// <summary>The newest tool result of the whole conversation.</summary>
    public Result? LastResult { get; }

    /// <summary>Looks at the first <paramref name="count"/> messages.</summary>
    public static Situation At(IReadOnlyList<ChatMessage> messages, int count, ChatOptions? options)
    {
        string instructions = options?.Instructions ?? "";
        string user = "";
        int turn = 1;
        bool userIsLast = false;
        List<Result> results = [];
        Result? last = null;
        Dictionary<string, string> tools = new(StringComparer.Ordinal);
        for (int i = 0; i < count; i++)
        {
            ChatMessage message = messages[i];
            if (message.Role == ChatRole.System)
                instructions += message.Text;
            else if (message.Role == ChatRole.User)
                user = message.Text;
            else if (message.Role == ChatRole.Assistant)
                turn++;
            if (message.Role == ChatRole.Assistant)
                results.Clear();
            userIsLast = message.Role == ChatRole.User;
            foreach (AIContent content in message.Contents)
            {
                if (content is FunctionCallContent call)
                    tools[call.CallId] = call.Name;
                else if (content is FunctionResultContent result)
                    results.Add(last = new Result(tools.GetValueOrDefault(result.CallId, "?"), Text(result.Result)));
            }
        }

        return new Situation(turn, instructions, user, userIsLast, results, last);
    }

    /// <summary>What the model was shown last, for a message to the script's author.</summary>
    public string Describe()
    {
        string what = UserIsLast || Results.Count == 0
            ? $"the user message '{Excerpt(User)}'"
            : $"the result of '{Results[^1].Tool}' '{Excerpt(Results[^1].Text)}'";
        return $"{what} (answer {Turn} of the conversation)";
    }

    private static string Excerpt(string text)
    {
        string line = text.ReplaceLineEndings(" ").Trim();
        return line.Length <= 120 ? line : line[..120] + "…";
    }

    private static string Text(object? result) => result switch
    {
        null => "",
        string text => text,
        JsonElement { ValueKind: JsonValueKind.String } element => element.GetString()!,
        JsonElement element => element.GetRawText(),
        JsonNode node => node.ToJsonString(),
        _ => JsonSerializer.Serialize(result, AIJsonUtilities.DefaultOptions),
    };

    /// <summary>A tool's result as text.</summary>
    internal sealed record Result(string Tool, string Text)
    {
        /// <summary>Finds a value in it; false when it is not JSON, or has nothing there.</summary>
        public bool TryFind(string path, out JsonNode? found)
        {
            found = null;
            try
            {
                using JsonDocument json = JsonDocument.Parse(Text);
                if (JsonPath.Parse(path).Find(json.RootElement) is not { } value)
                    return false;
                found = value.ValueKind == JsonValueKind.Null ? null : JsonNode.Parse(value.GetRawText());
                return true;
            }
            catch (JsonException)
            {
                return false;
            }
        }
    }
}
