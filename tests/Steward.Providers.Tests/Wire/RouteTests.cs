using System.Text.Json.Nodes;
using Steward.Client;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>Whole runs over a route of two providers: what the second one gets of the first one's words.</summary>
public sealed class RouteTests
{
    private const int Limit = 60_000;

    private static readonly WireAnswer s_overloaded =
        new("{\"error\":{\"message\":\"gone\",\"code\":400}}"u8.ToArray(), IsStream: false, "400 Bad Request");

    private static readonly WireAnswer s_chatCall = WireAnswer.Events(
        """{"id":"c1","choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"private thought"}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_0123456789abcdef","type":"function","extra_content":{"k":"private"},"function":{"name":"find","arguments":"{\"q\":\"é\"}"}}]}}]}""",
        """{"id":"c1","choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}""",
        "[DONE]");

    private static readonly WireAnswer s_chatDone = WireAnswer.Events(
        """{"id":"c2","choices":[{"index":0,"delta":{"content":"done"},"finish_reason":"stop"}],"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":15}}""",
        "[DONE]");

    private static readonly WireAnswer s_messagesDone = WireAnswer.Json(
        """{"id":"m","type":"message","role":"assistant","content":[{"type":"text","text":"done"}],"stop_reason":"end_turn","usage":{"input_tokens":10,"output_tokens":5}}""");

    [Theory(Timeout = Limit)]
    [InlineData(Api.OpenAI, "some-model")]
    [InlineData(Api.OpenAI, "mistral-small")]
    [InlineData(Api.Anthropic, "claude-test")]
    public async Task Fallback_AfterACall_GetsAHistoryThatItTakes(Api api, string model)
    {
        await using var first = new WireServer(i => i == 0 ? s_chatCall : s_overloaded);
        await using var second = new WireServer(_ => api == Api.OpenAI ? s_chatDone : s_messagesDone);

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", first.Url), (api, model, second.Url));

        Assert.Equal((RunStatus.Completed, "done"), (run.Result.Status, run.Result.Output));
        Assert.Contains("private thought", first.Requests[1], StringComparison.Ordinal);
        Assert.Contains("call_0123456789abcdef", first.Requests[1], StringComparison.Ordinal);
        string sent = Assert.Single(second.Requests);
        Assert.DoesNotContain("private", sent, StringComparison.Ordinal);
        Assert.DoesNotContain("thinking", sent, StringComparison.Ordinal);
        JsonArray messages = JsonNode.Parse(sent)!["messages"]!.AsArray();
        JsonNode call = messages.Single(m => (string)m!["role"]! == "assistant")!;
        (string id, string result) = api == Api.OpenAI
            ? ((string)call["tool_calls"]![0]!["id"]!, (string)messages[^1]!["tool_call_id"]!)
            : ((string)call["content"]![0]!["id"]!, (string)messages[^1]!["content"]![0]!["tool_use_id"]!);
        Assert.Equal(id, result);
        Assert.Matches("^[a-zA-Z0-9]{9}$", id);
    }

    [Theory(Timeout = Limit)]
    [InlineData("""{"delta":{"refusal":"No."},"finish_reason":"stop"}""")]
    [InlineData("""{"delta":{"content":"Half"},"finish_reason":"content_filter"}""")]
    [InlineData("""{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"wipe","arguments":"{}"}}]},"finish_reason":"content_filter"}""")]
    public async Task Refused_TheNextModelIsAsked(string choice)
    {
        string refused = $$$"""{"id":"c","choices":[{{{choice}}}],"usage":{"prompt_tokens":10,"completion_tokens":5}}""";
        await using var first = new WireServer(_ => WireAnswer.Events(refused, "[DONE]"));
        await using var second = new WireServer(_ => s_chatDone);

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", first.Url), (Api.OpenAI, "n", second.Url));

        Assert.Equal((RunStatus.Completed, "done"), (run.Result.Status, run.Result.Output));
        Assert.Single(first.Requests);
        Assert.Empty(run.Effects);
        Assert.Equal(ModelFailure.Refused, Assert.Single(run.Of<ModelFailed>()).Failure);
        Assert.Equal(30, run.Result.Spent.Tokens);
    }

    /// <summary>An answer that used the output limit up without a word, again: named, and not paid for five times.</summary>
    [Fact(Timeout = Limit)]
    public async Task OutputLimit_UsedUpTwice_EndsTheRunByName()
    {
        await using var server = new WireServer(_ => WireAnswer.Events(
            """{"id":"c","choices":[{"index":0,"delta":{"content":"","reasoning_content":"on and on"},"finish_reason":"length"}],"usage":{"prompt_tokens":10,"completion_tokens":8192}}""",
            "[DONE]"));

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

        Assert.Equal((RunStatus.Failed, Reasons.OutputLimit), (run.Result.Status, run.Result.Reason));
        Assert.Equal(2, server.Requests.Count);
        Assert.DoesNotContain("\"content\":\"\"", server.Requests[1], StringComparison.Ordinal);
    }

    /// <summary>A wrong key and an empty account are no outage: the next model is asked at once, and without one the run fails by name.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("401 Unauthorized", """{"error":{"message":"Incorrect API key provided: sk-…","code":"invalid_api_key"}}""")]
    [InlineData("402 Payment Required", """{"error":{"message":"Insufficient Balance","type":"unknown_error"}}""")]
    [InlineData("403 Forbidden", """{"error":{"message":"Country not supported","code":"unsupported_country_region_territory"}}""")]
    [InlineData("429 Too Many Requests", """{"error":{"message":"You exceeded your current quota","type":"insufficient_quota","code":"insufficient_quota"}}""")]
    public async Task KeyOrCredit_Refused_GoesToTheNextOrFailsAtOnce(string status, string body)
    {
        var refused = new WireAnswer(System.Text.Encoding.UTF8.GetBytes(body), IsStream: false, status);
        await using var first = new WireServer(_ => refused);
        await using var second = new WireServer(_ => s_chatDone);

        WireRun routed = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", first.Url), (Api.OpenAI, "n", second.Url));
        WireRun alone = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", first.Url));

        Assert.Equal((RunStatus.Completed, "done"), (routed.Result.Status, routed.Result.Output));
        Assert.Equal((RunStatus.Failed, Reasons.ModelAuthentication), (alone.Result.Status, alone.Result.Reason));
        Assert.Equal(2, first.Requests.Count);
        Assert.Contains(status[..3], alone.Result.Message, StringComparison.Ordinal);
    }

    /// <summary>An attachment that no model of the route has a place for: nothing is started, and the error says which and what to do.</summary>
    [Theory(Timeout = Limit)]
    [InlineData(Api.OpenAI, "audio/flac", true)]
    [InlineData(Api.OpenAI, "application/zip", true)]
    [InlineData(Api.Anthropic, "audio/wav", true)]
    [InlineData(Api.Anthropic, "image/tiff", true)]
    [InlineData(Api.OpenAI, "audio/wav", false)]
    [InlineData(Api.OpenAI, "image/png", false)]
    [InlineData(Api.Anthropic, "application/pdf", false)]
    [InlineData(Api.Anthropic, "application/json", false)]
    [InlineData(Api.OpenAI, "text/csv; charset=utf-8", false)]
    [InlineData(Api.Anthropic, "application/x-ndjson", false)]
    public async Task Attachment_ThatTheWireDoesNotTake_IsRefusedBeforeTheStart(Api api, string mediaType, bool isRefused)
    {
        await using var server = new WireServer(_ => api == Api.OpenAI ? s_chatDone : s_messagesDone);
        var request = new RunRequest([new TextPart("Look."), new DataPart(mediaType, [1, 2, 3])]);

        if (isRefused)
        {
            AttachmentRefusedException e = await Assert.ThrowsAsync<AttachmentRefusedException>(
                () => WireAgent.RunAsync(stream: true, request, (api, "m", server.Url)));
            Assert.Equal(mediaType, e.MediaType);
            Assert.Contains($"p0/m takes no attachment of the type '{mediaType}'", e.Message, StringComparison.Ordinal);
            Assert.Empty(server.Requests);
            return;
        }

        Assert.Equal(RunStatus.Completed, (await WireAgent.RunAsync(stream: true, request, (api, "m", server.Url))).Result.Status);
    }

    [Fact(Timeout = Limit)]
    public async Task Attachment_ThatOnlyTheSecondModelTakes_IsSentThere()
    {
        await using var first = new WireServer(_ => s_messagesDone);
        await using var second = new WireServer(_ => s_chatDone);
        var request = new RunRequest([new TextPart("Listen."), new DataPart("audio/wav", [1, 2, 3])]);

        WireRun run = await WireAgent.RunAsync(stream: true, request, (Api.Anthropic, "m", first.Url), (Api.OpenAI, "n", second.Url));

        Assert.Equal(RunStatus.Completed, run.Result.Status);
        Assert.Empty(first.Requests);
        Assert.Contains("input_audio", Assert.Single(second.Requests), StringComparison.Ordinal);
    }

    /// <summary>Errors with a good status, in every dress: named with the provider's words, by their code, and paid for with nothing.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("""{"error":{"message":"No credit left.","code":402}}""", Reasons.ModelAuthentication)]
    [InlineData("""{"error":{"message":"No such model.","code":"model_not_found"}}""", Reasons.ModelRequestInvalid)]
    [InlineData("""{"code":401,"message":"Bad key."}""", Reasons.ModelAuthentication)]
    [InlineData("""[{"error":{"code":400,"message":"Bad tools.","status":"INVALID_ARGUMENT"}}]""", Reasons.ModelRequestInvalid)]
    [InlineData("""{"status_code":403,"error_msg":"Not allowed."}""", Reasons.ModelAuthentication)]
    public async Task ErrorInA200_IsNamedNotPaidAndNotRepeated(string error, string reason)
    {
        foreach (WireAnswer answer in (WireAnswer[])[WireAnswer.Json(error), WireAnswer.Events(error, "[DONE]")])
        {
            await using var server = new WireServer(_ => answer);

            WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

            Assert.Equal((RunStatus.Failed, reason, 0L), (run.Result.Status, run.Result.Reason, run.Result.Spent.Tokens));
            JsonNode stated = JsonNode.Parse(error.Trim('[', ']'))!;
            string words = (string)(stated["error"]?["message"] ?? stated["message"] ?? stated["error_msg"])!;
            Assert.Contains(words, run.Result.Message, StringComparison.Ordinal);
            Assert.Single(server.Requests);
        }
    }

    /// <summary>Words of other servers for how an answer ended.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("content_filter: RECITATION", false, Reasons.ModelRefused)]
    [InlineData("SAFETY", false, Reasons.ModelRefused)]
    [InlineData("function_call_filter: MALFORMED_FUNCTION_CALL", true, Reasons.Answered)]
    [InlineData("abort", true, Reasons.Answered)]
    [InlineData("error", false, Reasons.Answered)]
    [InlineData("insufficient_system_resource", false, Reasons.Answered)]
    [InlineData("eos_token", false, Reasons.Answered)]
    public async Task Finish_InOtherWords_IsUnderstood(string finish, bool asksAgain, string reason)
    {
        await using var server = new WireServer(i => i > 0 ? s_chatDone : WireAnswer.Events(
            """{"id":"c","choices":[{"index":0,"delta":{"content":"done"},"finish_reason":"FINISH"}]}""".Replace("FINISH", finish, StringComparison.Ordinal), "[DONE]"));

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

        Assert.Equal((reason, asksAgain ? 2 : 1), (run.Result.Reason, server.Requests.Count));
    }

    /// <summary>A usage that cannot be is not believed: the reservation is settled, and nothing sinks.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("""{"prompt_tokens":-500,"completion_tokens":5,"total_tokens":-495}""")]
    [InlineData("""{"prompt_tokens":10,"completion_tokens":-1}""")]
    [InlineData("""{"prompt_tokens":10,"completion_tokens":5,"total_tokens":9223372036854775807}""")]
    [InlineData("""{"prompt_tokens":1e30,"completion_tokens":5}""")]
    [InlineData("""{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}""")]
    [InlineData("""{"prompt_tokens":10.5,"completion_tokens":5}""")]
    [InlineData("""{"prompt_tokens":10,"completion_tokens":0,"total_tokens":10}""")]
    [InlineData("null")]
    [InlineData("[1]")]
    public async Task Usage_ThatCannotBe_SettlesTheReservation(string usage)
    {
        await using var server = new WireServer(_ => Done(usage));

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

        Assert.Equal("done", run.Result.Output);
        Assert.Equal(Assert.Single(run.Of<ModelStarted>()).Reserved, run.Result.Spent);
    }

    /// <summary>Contradictory counts: the larger reading stands.</summary>
    [Theory(Timeout = Limit)]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":10,"total_tokens":50}""", 110)]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":10,"total_tokens":500}""", 500)]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":10,"completion_tokens_details":{"reasoning_tokens":90}}""", 200)]
    [InlineData("""{"prompt_tokens":100,"completion_tokens":10,"prompt_tokens_details":{"cached_tokens":300}}""", 310)]
    [InlineData("""{"prompt_tokens":"100","completion_tokens":10.0}""", 110)]
    public async Task Usage_Contradictory_TheLargerStands(string usage, int tokens)
    {
        await using var server = new WireServer(_ => Done(usage));

        WireRun run = await WireAgent.RunAsync(stream: true, (Api.OpenAI, "m", server.Url));

        Assert.Equal(tokens, run.Result.Spent.Tokens);
    }

    private static WireAnswer Done(string usage) => WireAnswer.Events(
        """{"id":"c","choices":[{"index":0,"delta":{"content":"done"},"finish_reason":"stop"}],"usage":""" + usage + "}", "[DONE]");
}
