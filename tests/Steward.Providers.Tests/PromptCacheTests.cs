using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;

namespace Steward.Providers.Tests;

/// <summary>Where the marks of Anthropic's prompt cache stand.</summary>
public sealed class PromptCacheTests
{
    private static readonly AIFunction s_tool = AIFunctionFactory.Create(() => "", "a");
    private static readonly AIFunction s_other = AIFunctionFactory.Create(() => "", "b");

    [Fact]
    public async Task Mark_Conversation_AtMostFourMarksAtTheEnds()
    {
        JsonObject request = await SentAsync(
            [
                new(ChatRole.System, "s"), new(ChatRole.User, "one"), Calls("1"), Results("1"), Calls("2", "3"), Results("2", "3"),
            ],
            new ChatOptions { Tools = [s_tool, s_other] });

        Assert.Equal(["$.tools[1]", "$.system[0]", "$.messages[2].content[0]", "$.messages[4].content[1]"], Marked(request));
    }

    [Fact]
    public async Task Mark_NextTurn_KeepsTheMarkOfTheTurnBefore()
    {
        ChatMessage one = new(ChatRole.User, "one");
        JsonObject first = await SentAsync([one]);
        JsonObject second = await SentAsync([one, new(ChatRole.Assistant, "two"), new(ChatRole.User, "three")]);

        Assert.Equal(["$.messages[0].content[0]"], Marked(first));
        Assert.Equal(["$.messages[0].content[0]", "$.messages[2].content[0]"], Marked(second));
    }

    [Fact]
    public async Task Mark_EmptyTextAtTheEnd_TheBlockBeforeIs()
    {
        JsonObject request = await SentAsync([new(ChatRole.User, [new TextContent("one"), new TextContent(" ")])]);

        Assert.Equal(["$.messages[0].content[0]"], Marked(request));
    }

    [Fact]
    public async Task Mark_CachingOff_None() =>
        Assert.Empty(Marked(await SentAsync([new(ChatRole.System, "s"), new(ChatRole.User, "one")], new ChatOptions { Tools = [s_tool] }, caching: false)));

    private static ChatMessage Calls(params string[] ids) =>
        new(ChatRole.Assistant, [.. ids.Select(AIContent (id) => new FunctionCallContent(id, "a", new Dictionary<string, object?>()))]);

    private static ChatMessage Results(params string[] ids) => new(ChatRole.Tool, [.. ids.Select(AIContent (id) => new FunctionResultContent(id, "x"))]);

    private static async Task<JsonObject> SentAsync(List<ChatMessage> messages, ChatOptions? options = null, bool caching = true)
    {
        var closed = new ClosedNetwork();
        using IChatClient client = Clients.Create(Api.Anthropic, new ProviderOptions { Handler = closed, PromptCaching = caching });
        await Assert.ThrowsAsync<Steward.Models.ModelException>(() => client.GetResponseAsync(messages, options, TestContext.Current.CancellationToken));
        return closed.Body!;
    }

    private static List<string> Marked(JsonNode? node) => node switch
    {
        JsonObject holder => [.. holder.SelectMany(child => child.Key == "cache_control" ? [holder.GetPath()] : Marked(child.Value))],
        JsonArray array => [.. array.SelectMany(Marked)],
        _ => [],
    };
}
