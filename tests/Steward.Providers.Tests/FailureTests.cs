using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers.Tests;

/// <summary>What the fake provider's faults become.</summary>
public sealed class FailureTests(FakeProvider provider)
{
    private const int Limit = 60_000;

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_429_RateLimitedWithRetryAfter(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, Error(429, "rate_limit_error", retryAfter: 7));

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal((ModelFailure.RateLimited, 429, TimeSpan.FromSeconds(7), true), (error.Failure, error.StatusCode, error.RetryAfter, error.NotBilled));
        Assert.Single(await conversation.SeenAsync());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_529_Overloaded(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, Error(529, "overloaded_error"));

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal((ModelFailure.Overloaded, 529, true), (error.Failure, error.StatusCode, error.NotBilled));
        Assert.Single(await conversation.SeenAsync());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_500_UnavailableAfterExactlyOneRequest(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, Error(500, "api_error"));

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal((ModelFailure.Unavailable, 500, true), (error.Failure, error.StatusCode, error.NotBilled));
        Assert.Single(await conversation.SeenAsync());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_401_AuthenticationWithoutTheKeyInTheMessage(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(api, Error(401, "authentication_error", $"Incorrect API key: {FakeProvider.Key}"));

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal((ModelFailure.Authentication, 401, true), (error.Failure, error.StatusCode, error.NotBilled));
        Assert.DoesNotContain(FakeProvider.Key, error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Check the API key", error.Message, StringComparison.Ordinal);
        Assert.Single(await conversation.SeenAsync());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_400_InvalidRequestNamesModelStatusAndReason(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(
            api, Error(400, "invalid_request_error", $"temperature: too high for key {FakeProvider.Key}"));

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal((ModelFailure.InvalidRequest, 400, true), (error.Failure, error.StatusCode, error.NotBilled));
        Assert.Contains(api == Api.Anthropic ? "model 'claude-test'" : "model 'gpt-test'", error.Message, StringComparison.Ordinal);
        Assert.Contains("answered 400 (invalid_request_error): temperature: too high for key ***.", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(FakeProvider.Key, error.ToString(), StringComparison.Ordinal);
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_400TooLong_ContextTooLong(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(
            api, Error(400, "invalid_request_error", "prompt is too long: 250000 tokens > 200000 maximum"));

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal(ModelFailure.ContextTooLong, error.Failure);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic)]
    [InlineData(Api.OpenAI)]
    public async Task Stream_CutInTheMiddle_TextThenStreamInterrupted(Api api)
    {
        var conversation = await provider.AnswersAsync(
            api, new() { ["content"] = "one two three four five six" }, new() { ["chunkSize"] = 4, ["truncateAfterChunks"] = 4, ["latency"] = 20 });

        var text = "";
        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (var update in conversation.Stream())
                text += update.Text;
        });

        Assert.Equal((ModelFailure.StreamInterrupted, false), (error.Failure, error.NotBilled));
        Assert.StartsWith("one", text, StringComparison.Ordinal);
        Assert.DoesNotContain("six", text, StringComparison.Ordinal);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic)]
    [InlineData(Api.OpenAI)]
    public async Task Stream_CutInAToolCall_NoCallIsHandedOut(Api api)
    {
        var calls = new JsonArray(new JsonObject { ["id"] = "toolu_1", ["name"] = "pay", ["arguments"] = """{"amount":100,"to":"Oslo"}""" });
        var conversation = await provider.AnswersAsync(
            api, new() { ["toolCalls"] = calls }, new() { ["chunkSize"] = 4, ["truncateAfterChunks"] = 5, ["latency"] = 20 });

        var contents = new List<AIContent>();
        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (var update in conversation.Stream())
                contents.AddRange(update.Contents);
        });

        Assert.Equal(ModelFailure.StreamInterrupted, error.Failure);
        Assert.Empty(contents.OfType<FunctionCallContent>());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_MalformedBody_InvalidResponse(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(
            api, new() { ["content"] = "hello" }, new() { ["chaos"] = new JsonObject { ["malformedRate"] = 1 } });

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        // A stream without a single event may as well have been cut off.
        Assert.True(error.Failure == ModelFailure.InvalidResponse || (streaming && error.Failure == ModelFailure.StreamInterrupted), error.ToString());
        Assert.False(error.NotBilled);
        Assert.Single(await conversation.SeenAsync());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_ConnectionDroppedBeforeAnAnswer_FailsOnceAndMayBeBilled(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(
            api, new() { ["content"] = "hello" }, new() { ["chaos"] = new JsonObject { ["disconnectRate"] = 1 } });

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.True(error.Failure is ModelFailure.Unavailable or ModelFailure.StreamInterrupted, error.ToString());
        Assert.False(error.NotBilled);
        Assert.Single(await conversation.SeenAsync());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_SlowAnswer_Timeout(Api api, bool streaming)
    {
        var conversation = await provider.AnswersAsync(
            api,
            new() { ["content"] = "hello" },
            new() { ["chaos"] = new JsonObject { ["latencyMs"] = 30_000 } },
            options => options with { Timeout = TimeSpan.FromMilliseconds(200) });

        var error = await Assert.ThrowsAsync<ModelException>(() => conversation.AskAsync(streaming));

        Assert.Equal((ModelFailure.Timeout, false), (error.Failure, error.NotBilled));
        Assert.Single(conversation.Sent.Requests);
    }

    private static JsonObject Error(int status, string type, string message = "a reason", int? retryAfter = null)
    {
        var response = new JsonObject { ["status"] = status, ["error"] = new JsonObject { ["message"] = message, ["type"] = type } };
        if (retryAfter is not null)
            response["retryAfter"] = retryAfter;

        return response;
    }
}
