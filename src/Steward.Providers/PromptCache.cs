using System.Text.Json.Nodes;

namespace Steward.Providers;

// Anthropic caches a prompt up to each block that carries cache_control, at most four of them. Three of ours are the ends of the
// stable parts (tools, system, newest user message); the fourth is the newest user message of the call before, because the provider
// looks back only 20 blocks for an earlier entry and one round of parallel tool calls can be longer than that.
internal static class PromptCache
{
    private const int MovingMarks = 2;

    /// <summary>Marks the stable prefix of a Messages request. A request that its caller has marked is left alone.</summary>
    public static void Mark(JsonObject request)
    {
        if (Blocks(request).Any(block => block.ContainsKey("cache_control")) || request.ContainsKey("cache_control"))
            return;

        MarkLast(request, "tools");
        MarkLast(request, "system");
        foreach (var message in Items(request["messages"]).Where(IsUser).TakeLast(MovingMarks))
            MarkLast(message, "content");
    }

    private static bool IsUser(JsonObject message) => message["role"]?.GetValue<string>() == "user";

    private static void MarkLast(JsonObject holder, string property)
    {
        if (holder[property] is JsonValue value && value.TryGetValue<string>(out var text))
            holder[property] = new JsonArray(new JsonObject { ["type"] = "text", ["text"] = text });

        if (Items(holder[property]).LastOrDefault(CanBeMarked) is { } block)
            block["cache_control"] = new JsonObject { ["type"] = "ephemeral" };
    }

    // The provider refuses the mark on empty text, on thinking, and on a tool that is loaded later.
    private static bool CanBeMarked(JsonObject block) =>
        !(block["defer_loading"] is JsonValue later && later.GetValue<bool>())
        && block["type"]?.GetValue<string>() switch
        {
            "thinking" or "redacted_thinking" => false,
            "text" => !string.IsNullOrWhiteSpace(block["text"]?.GetValue<string>()),
            _ => true,
        };

    private static IEnumerable<JsonObject> Blocks(JsonObject request) =>
        [.. Items(request["tools"]), .. Items(request["system"]), .. Items(request["messages"]).SelectMany(message => Items(message["content"]))];

    private static IEnumerable<JsonObject> Items(JsonNode? node) => node is JsonArray array ? array.OfType<JsonObject>() : [];
}
