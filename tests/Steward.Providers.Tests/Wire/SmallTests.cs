using Steward.Journal;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>One small answer of each kind through a whole run, written anew: these run everywhere, without any data.</summary>
public sealed class SmallTests
{
    private const int Limit = 60_000;

    /// <summary>The calls that are made, with their very arguments.</summary>
    [Theory(Timeout = Limit)]
    [InlineData(Lost, "")]
    [InlineData("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"wipe","arguments":"[1]"}}]}""", "")]
    [InlineData("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"wipe","arguments":{"filter":"x"}}}]}""", """wipe:{"filter":"x"}""")]
    [InlineData("""{"tool_calls":[{"index":0,"id":"a","function":{"name":"wipe","arguments":"{\"filter\":1,\"filter\":2}"}}]}""", "")]
    [InlineData("""{"tool_calls":[{"function":{"name":"find","arguments":"{}"}},{"function":{"name":"wipe"}}]}""", "find:{} wipe:{}")]
    [InlineData("""{"tool_calls":["lost"]}""", "")]
    public async Task Calls_OfOneDelta(string delta, string effects)
    {
        await using var server = new WireServer(i => i > 0 ? Done : Answer(delta, "tool_calls"));

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

        Assert.Equal((RunStatus.Completed, "done"), (run.Result.Status, run.Result.Output));
        Assert.Equal(effects, string.Join(" ", run.Effects.Order(StringComparer.Ordinal)));
        Assert.Empty(run.Of<QuestionAsked>());
        Assert.Equal(2, server.Requests.Count);
    }

    /// <summary>What is opaque goes back as it came, byte for byte.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("""  "reasoning_details":[{"type":"reasoning.encrypted","data":"x\u0041","n":1.0}]""")]
    [InlineData("""  "some_signature":"c2ln\ud83d" """)]
    public async Task Opaque_UnknownFields_GoBackAsTheyCame(string field)
    {
        string delta = "{" + field.Trim() + ""","tool_calls":[{"index":0,"id":"a","function":{"name":"find","arguments":"{}"}}]}""";
        await using var server = new WireServer(i => i > 0 ? Done : Answer(delta, "tool_calls"));

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

        Assert.Equal("done", run.Result.Output);
        Assert.Contains(field.Trim(), server.Requests[1], StringComparison.Ordinal);
    }

    /// <summary>Half an emoji in each of two deltas is one emoji, and half of one alone is no reason to fail.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("\\ud83d", "\\ude00", "😀")]
    [InlineData("\\ud83d", "!", "\uFFFD!")]
    [InlineData("\\ude00", "\\ud83d", "\uFFFD\uFFFD")]
    public async Task Text_InHalves_IsJoinedOrMended(string first, string second, string text)
    {
        await using var server = new WireServer(_ => WireAnswer.Events(Event($$"""{"content":"{{first}}"}""", null), Event($$"""{"content":"{{second}}"}""", "stop"), "[DONE]"));

        Assert.Equal(text, (await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url))).Result.Output);
    }

    private const string Lost = """{"tool_calls":[{"index":0,"id":"a","function":{"name":"wipe","arguments":"{\"filter\":\"ol"}}]}""";

    private static WireAnswer Done => Answer("""{"content":"done"}""", "stop");

    private static WireAnswer Answer(string delta, string finish) => WireAnswer.Events(Event(delta, finish), "[DONE]");

    private static string Event(string delta, string? finish) =>
        """{"id":"c","choices":[{"index":0,"delta":""" + delta + ""","finish_reason":""" + (finish is null ? "null" : $"\"{finish}\"") + "}]}";
}
