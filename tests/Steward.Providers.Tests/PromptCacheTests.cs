using System.Text.Json.Nodes;

namespace Steward.Providers.Tests;

public sealed class PromptCacheTests
{
    [Fact]
    public void Mark_Conversation_AtMostFourMarksAtTheEnds()
    {
        var request = Mark(
            """
            {"tools":[{"name":"a"},{"name":"b"}],"system":[{"type":"text","text":"s"}],"messages":[
             {"role":"user","content":[{"type":"text","text":"one"}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"1"}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"1"}]},
             {"role":"assistant","content":[{"type":"tool_use","id":"2"},{"type":"tool_use","id":"3"}]},
             {"role":"user","content":[{"type":"tool_result","tool_use_id":"2"},{"type":"tool_result","tool_use_id":"3"}]}]}
            """);

        Assert.Equal(["$.tools[1]", "$.system[0]", "$.messages[2].content[0]", "$.messages[4].content[1]"], Marked(request));
    }

    [Fact]
    public void Mark_NextTurn_KeepsTheMarkOfTheTurnBefore()
    {
        var first = Mark("""{"messages":[{"role":"user","content":[{"type":"text","text":"one"}]}]}""");
        var second = Mark(
            """
            {"messages":[{"role":"user","content":[{"type":"text","text":"one"}]},{"role":"assistant","content":[{"type":"text","text":"two"}]},
             {"role":"user","content":[{"type":"text","text":"three"}]}]}
            """);

        Assert.Subset(Marked(second).ToHashSet(), Marked(first).ToHashSet());
    }

    [Fact]
    public void Mark_TextAsString_BecomesAMarkedBlock()
    {
        var request = Mark("""{"system":"be kind","messages":[{"role":"user","content":"hi"}]}""");

        Assert.Equal("""[{"type":"text","text":"be kind","cache_control":{"type":"ephemeral"}}]""", request["system"]!.ToJsonString());
        Assert.Equal(["$.system[0]", "$.messages[0].content[0]"], Marked(request));
    }

    [Theory]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"one"},{"type":"text","text":" "}]}]}""", "$.messages[0].content[0]")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"image"},{"type":"thinking","thinking":"t"}]}]}""", "$.messages[0].content[0]")]
    [InlineData("""{"tools":[{"name":"a"},{"name":"b","defer_loading":true}],"messages":[]}""", "$.tools[0]")]
    public void Mark_BlocksThatMayNotBeMarked_TheOneBeforeIs(string json, string expected) => Assert.Equal([expected], Marked(Mark(json)));

    [Theory]
    [InlineData("""{"messages":[]}""")]
    [InlineData("{}")]
    [InlineData("""{"messages":[{"role":"user","content":[]}]}""")]
    public void Mark_NothingToMark_LeavesTheRequest(string json) => Assert.Empty(Marked(Mark(json)));

    [Theory]
    [InlineData("""{"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral","ttl":"1h"}}],"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"cache_control":{"type":"ephemeral"},"messages":[{"role":"user","content":"hi"}]}""")]
    [InlineData("""{"messages":[{"role":"user","content":[{"type":"text","text":"hi","cache_control":{"type":"ephemeral"}}]}],"tools":[{"name":"a"}]}""")]
    public void Mark_CallerHasMarked_LeavesTheRequest(string json) => Assert.Equal(json, Mark(json).ToJsonString());

    private static JsonObject Mark(string json)
    {
        var request = JsonNode.Parse(json)!.AsObject();
        PromptCache.Mark(request);
        return request;
    }

    private static List<string> Marked(JsonNode? node) => node switch
    {
        JsonObject holder => [.. holder.SelectMany(child => child.Key == "cache_control" ? [holder.GetPath()] : Marked(child.Value))],
        JsonArray array => [.. array.SelectMany(Marked)],
        _ => [],
    };
}
