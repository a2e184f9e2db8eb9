using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Models;

namespace Steward.Providers.Tests;

/// <summary>What comes back from the fake provider through the real SDKs.</summary>
public sealed class AnswerTests(FakeProvider provider)
{
    private const int Limit = 60_000;

    private static readonly AIFunction Weather = AIFunctionFactory.Create((string city) => city, "weather", "The weather in a city.");

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, false)]
    [InlineData(Api.Anthropic, true)]
    [InlineData(Api.OpenAI, false)]
    [InlineData(Api.OpenAI, true)]
    public async Task Ask_PlainText_TextAndFinishReason(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, new() { ["content"] = "It is sunny in Oslo, and it will stay so." });

        var response = await conversation.AskAsync(streaming);

        Assert.Equal("It is sunny in Oslo, and it will stay so.", response.Text);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic)]
    [InlineData(Api.OpenAI)]
    public async Task Stream_PlainText_ComesInPieces(Api api)
    {
        var conversation = await provider.AnswersAsync(
            api, new() { ["content"] = "one two three four" }, new() { ["chunkSize"] = 4 });

        var pieces = new List<string>();
        await foreach (var update in conversation.Stream())
        {
            if (update.Text.Length > 0)
                pieces.Add(update.Text);
        }

        Assert.True(pieces.Count > 2, $"{pieces.Count} pieces");
        Assert.Equal("one two three four", string.Concat(pieces));
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, false)]
    [InlineData(Api.Anthropic, true)] // The fake's message_delta, like the documentation's, has output_tokens only.
    [InlineData(Api.OpenAI, false)]
    [InlineData(Api.OpenAI, true)] // The fake reports usage in a stream only if include_usage was asked for.
    public async Task Ask_Usage_InputAndOutput(Api api, bool streaming)
    {
        var usage = new JsonObject { ["input_tokens"] = 120, ["output_tokens"] = 8 };
        var conversation = await provider.AnswersAsync(api, new() { ["content"] = "hello", ["usage"] = usage });

        var response = await conversation.AskAsync(streaming);

        Assert.Equal(120, response.Usage!.InputTokenCount);
        Assert.Equal(8, response.Usage.OutputTokenCount);
        Assert.Equal(128, response.Usage.TotalTokenCount);
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_OpenAICachedTokens_CountedInsideInput(bool streaming)
    {
        // The fake passes the details of the usage on at its OpenRouter address only.
        var usage = new JsonObject
        {
            ["prompt_tokens"] = 120,
            ["completion_tokens"] = 8,
            ["prompt_tokens_details"] = new JsonObject { ["cached_tokens"] = 100 },
        };
        var conversation = await provider.AnswersAsync(
            Api.OpenAI,
            new() { ["content"] = "hello", ["usage"] = usage },
            with: options => options with { BaseUrl = new Uri(provider.Url, "api/v1/") });

        var response = await conversation.AskAsync(streaming);

        Assert.Equal(120, response.Usage!.InputTokenCount);
        Assert.Equal(100, response.Usage.CachedInputTokenCount);
        Assert.Equal(8, response.Usage.OutputTokenCount);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, false)]
    [InlineData(Api.Anthropic, true)]
    [InlineData(Api.OpenAI, false)]
    [InlineData(Api.OpenAI, true)]
    public async Task Ask_OneToolCall_IdNameAndArguments(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, ToolCalls(("toolu_1", "weather", """{"city":"Oslo","days":2}""")));

        var response = await conversation.AskAsync(streaming, new ChatOptions { Tools = [Weather] });

        var call = Assert.Single(Calls(response));
        Assert.Equal("toolu_1", call.CallId);
        Assert.Equal("weather", call.Name);
        Assert.Equal("""{"city":"Oslo","days":2}""", JsonSerializer.Serialize(call.Arguments));
        Assert.Equal(ChatFinishReason.ToolCalls, response.FinishReason);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, false)]
    [InlineData(Api.Anthropic, true)]
    [InlineData(Api.OpenAI, false)]
    [InlineData(Api.OpenAI, true)]
    public async Task Ask_ParallelToolCalls_AllInOrder(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, ToolCalls(
            ("toolu_1", "weather", """{"city":"Oslo"}"""), ("toolu_2", "weather", """{"city":"Rome"}"""), ("toolu_3", "time", "{}")));

        var response = await conversation.AskAsync(streaming, new ChatOptions { Tools = [Weather] });

        Assert.Equal(
            ["toolu_1 weather Oslo", "toolu_2 weather Rome", "toolu_3 time "],
            Calls(response).Select(call => $"{call.CallId} {call.Name} {(call.Arguments!.TryGetValue("city", out var city) ? city : "")}"));
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_OpenAIMalformedArguments_CallWithExceptionAndRawText(bool streaming)
    {
        var conversation = provider.Asked(Api.OpenAI, FakeProvider.MalformedArguments);

        var response = await conversation.AskAsync(streaming, new ChatOptions { Tools = [Weather] });

        var calls = Calls(response);
        Assert.NotNull(calls[0].Exception);
        Assert.Equal("""{"city":"Oslo""", calls[0].AdditionalProperties!["raw_arguments"]);
        Assert.Null(calls[1].Exception);
        Assert.Equal("Rome", calls[1].Arguments!["city"]!.ToString());
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_ToolResultsSentBack_AnthropicShape(bool streaming)
    {
        var conversation = await provider.AnswersAsync(Api.Anthropic, new() { ["content"] = "Sunny there, rainy here." });
        AddToolRound(conversation.Question);

        Assert.Equal("Sunny there, rainy here.", (await conversation.AskAsync(streaming)).Text);

        var messages = Assert.Single(conversation.Sent.Requests).Body["messages"]!.AsArray();
        var use = messages[1]!["content"]!.AsArray();
        Assert.Equal(["tool_use", "tool_use"], use.Select(block => (string)block!["type"]!));
        Assert.Equal("""{"city":"Oslo"}""", use[0]!["input"]!.ToJsonString());
        Assert.Equal("user", (string)messages[2]!["role"]!);
        var results = messages[2]!["content"]!.AsArray();
        Assert.Equal(["tool_result", "tool_result"], results.Select(block => (string)block!["type"]!));
        Assert.Equal(["toolu_1", "toolu_2"], results.Select(block => (string)block!["tool_use_id"]!));
        Assert.False((bool)results[0]!["is_error"]!);
        Assert.True((bool)results[1]!["is_error"]!);
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_ToolResultsSentBack_OpenAIShape(bool streaming)
    {
        var conversation = await provider.AnswersAsync(Api.OpenAI, new() { ["content"] = "Sunny there, rainy here." });
        AddToolRound(conversation.Question);

        Assert.Equal("Sunny there, rainy here.", (await conversation.AskAsync(streaming)).Text);

        var messages = Assert.Single(conversation.Sent.Requests).Body["messages"]!.AsArray();
        var calls = messages[1]!["tool_calls"]!.AsArray();
        Assert.Equal(["toolu_1", "toolu_2"], calls.Select(call => (string)call!["id"]!));
        Assert.True(JsonNode.DeepEquals(
            JsonNode.Parse("""{"city":"Oslo"}"""), JsonNode.Parse((string)calls[0]!["function"]!["arguments"]!)));
        Assert.Equal(["tool", "tool"], messages.Skip(2).Select(message => (string)message!["role"]!));
        Assert.Equal(["toolu_1", "toolu_2"], messages.Skip(2).Select(message => (string)message!["tool_call_id"]!));
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_MalformedCallSentBack_ArgumentsAreAnObject(bool streaming)
    {
        var first = provider.Asked(Api.OpenAI, FakeProvider.MalformedArguments);
        var answer = await first.AskAsync(streaming, new ChatOptions { Tools = [Weather] });
        var second = await provider.AnswersAsync(Api.OpenAI, new() { ["content"] = "Again, then." });
        second.Question.AddRange(answer.Messages);
        second.Question.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent("toolu_1", "Not valid JSON."), new FunctionResultContent("toolu_2", "sunny")]));

        await second.AskAsync();

        var sent = Assert.Single(second.Sent.Requests).Body["messages"]![1]!["tool_calls"]![0]!["function"]!["arguments"];
        Assert.Equal("{}", (string)sent!);
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Ask_AnthropicThinking_SignatureRoundTrips(bool streaming)
    {
        var reasoned = new JsonObject
        {
            ["content"] = "Take an umbrella.",
            ["reasoning"] = "Rain is likely, so an umbrella helps.",
            ["reasoningSignature"] = "c2lnbmVkIGJ5IHRoZSBmYWtl",
        };
        var first = await provider.AnswersAsync(Api.Anthropic, reasoned);
        var answer = await first.AskAsync(streaming);
        var thought = Assert.Single(answer.Messages.SelectMany(message => message.Contents).OfType<TextReasoningContent>());
        Assert.Equal("Rain is likely, so an umbrella helps.", thought.Text);
        Assert.Equal("c2lnbmVkIGJ5IHRoZSBmYWtl", thought.ProtectedData);
        var second = await provider.AnswersAsync(Api.Anthropic, new() { ["content"] = "Yes." });
        second.Question.AddRange(answer.Messages);
        second.Question.Add(new ChatMessage(ChatRole.User, "Sure?"));

        // The fake matches the newest question, so it has no answer to this one: what was sent is what counts.
        await Assert.ThrowsAnyAsync<Steward.Models.ModelException>(() => second.AskAsync());

        var block = Assert.Single(second.Sent.Requests).Body["messages"]![1]!["content"]![0]!;
        Assert.Equal("thinking", (string)block["type"]!);
        Assert.Equal("Rain is likely, so an umbrella helps.", (string)block["thinking"]!);
        Assert.Equal("c2lnbmVkIGJ5IHRoZSBmYWtl", (string)block["signature"]!);
    }

    private static List<FunctionCallContent> Calls(ChatResponse response) =>
        [.. response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>()];

    private static JsonObject ToolCalls(params (string Id, string Name, string Arguments)[] calls) => new()
    {
        ["toolCalls"] = new JsonArray([.. calls.Select(call =>
            new JsonObject { ["id"] = call.Id, ["name"] = call.Name, ["arguments"] = call.Arguments })]),
    };

    private static void AddToolRound(List<ChatMessage> messages)
    {
        messages.Add(new ChatMessage(ChatRole.Assistant,
        [
            new FunctionCallContent("toolu_1", "weather", new Dictionary<string, object?> { ["city"] = "Oslo" }),
            new FunctionCallContent("toolu_2", "weather", new Dictionary<string, object?> { ["city"] = "Rome" }),
        ]));
        messages.Add(new ChatMessage(ChatRole.Tool,
        [
            new FunctionResultContent("toolu_1", "sunny"),
            new FunctionResultContent("toolu_2", "no such station") { Exception = new InvalidOperationException("no such station") },
        ]));
    }
}
