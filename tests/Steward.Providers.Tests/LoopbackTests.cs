using System.Net.Sockets;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Time.Testing;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers.Tests;

/// <summary>
/// Faults and fields that the independent fake provider cannot make, from a server of bytes written here: cache counts of Anthropic, error
/// events, ends without a reason, headers, silence. The bytes follow the providers' documentation.
/// </summary>
public sealed class LoopbackTests
{
    private const int Limit = 60_000;

    private const string AnthropicStart =
        """
        event: message_start
        data: {"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"claude-test","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":20,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"output_tokens":1}}}


        """;

    private const string AnthropicText =
        """
        event: content_block_start
        data: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"hello"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":0}


        """;

    private const string AnthropicEnd =
        """
        event: message_delta
        data: {"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"output_tokens":8}}

        event: message_stop
        data: {"type":"message_stop"}


        """;

    private const string OpenAIText =
        """
        data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[{"index":0,"delta":{"role":"assistant","content":"hello"},"finish_reason":null}]}


        """;

    private const string OpenAIEnd =
        """
        data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

        data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[],"usage":{"prompt_tokens":150,"completion_tokens":8,"total_tokens":158,"prompt_tokens_details":{"cached_tokens":100}}}


        """;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact(Timeout = Limit)]
    public async Task Ask_AnthropicCacheCounts_InputIncludesReadsAndWrites()
    {
        await using var server = LoopbackServer.Answering(
            """{"id":"msg_1","type":"message","role":"assistant","model":"claude-test","content":[{"type":"text","text":"hello"}],"stop_reason":"end_turn","stop_sequence":null,"usage":{"input_tokens":20,"cache_read_input_tokens":100,"cache_creation_input_tokens":30,"output_tokens":8}}""");

        var response = await server.Client(Api.Anthropic).GetResponseAsync("hi", cancellationToken: Token);

        AssertCounts(response.Usage!);
    }

    [Fact(Timeout = Limit)]
    public async Task Stream_AnthropicCacheCounts_InputIncludesReadsAndWrites()
    {
        await using var server = Streaming(AnthropicStart + AnthropicText + AnthropicEnd);

        var response = await server.Client(Api.Anthropic).AskAsync(streaming: true, Token);

        Assert.Equal("hello", response.Text);
        AssertCounts(response.Usage!);
    }

    [Fact(Timeout = Limit)]
    public async Task Stream_OpenAIWithoutDone_UsageAndTextAreWhole()
    {
        await using var server = Streaming(OpenAIText + OpenAIEnd);

        var response = await server.Client(Api.OpenAI).AskAsync(streaming: true, Token);

        Assert.Equal("hello", response.Text);
        Assert.Equal((150, 100, 8), (response.Usage!.InputTokenCount, response.Usage.CachedInputTokenCount, response.Usage.OutputTokenCount));
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, AnthropicStart + AnthropicText, 150L)]
    [InlineData(Api.OpenAI, OpenAIText, null)]
    public async Task Stream_EndsWithoutFinishReason_StreamInterruptedWithTheUsageSoFar(Api api, string events, long? input)
    {
        await using var server = Streaming(events);

        var error = await Assert.ThrowsAsync<ModelException>(() => server.Client(api).AskAsync(streaming: true, Token));

        Assert.Equal((ModelFailure.StreamInterrupted, false, input), (error.Failure, error.NotBilled, error.Usage?.InputTokenCount));
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, AnthropicStart + AnthropicText)]
    [InlineData(Api.OpenAI, OpenAIText)]
    public async Task Stream_ConnectionReset_StreamInterrupted(Api api, string events)
    {
        var read = new TaskCompletionSource();
        await using var server = new LoopbackServer(async exchange =>
        {
            await exchange.BeginStreamAsync();
            await exchange.WriteAsync(events);
            await read.Task.WaitAsync(exchange.Stop);
            exchange.Reset();
        });

        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (var update in server.Client(api).GetStreamingResponseAsync("hi", cancellationToken: Token))
                read.TrySetResult();
        });

        Assert.Equal((ModelFailure.StreamInterrupted, false), (error.Failure, error.NotBilled));
        Assert.Equal(1, server.Requests);
    }

    [Theory(Timeout = Limit)]
    [InlineData("overloaded_error", ModelFailure.Overloaded)]
    [InlineData("rate_limit_error", ModelFailure.RateLimited)]
    [InlineData("api_error", ModelFailure.Unavailable)]
    public async Task Stream_AnthropicErrorEvent_ItsKindMayBeBilledWithTheUsageSoFar(string type, ModelFailure failure)
    {
        await using var server = Streaming(AnthropicStart + AnthropicText
            + $$$"""
            event: error
            data: {"type":"error","error":{"type":"{{{type}}}","message":"It's too much"}}


            """);

        var error = await Assert.ThrowsAsync<ModelException>(() => server.Client(Api.Anthropic).AskAsync(streaming: true, Token));

        Assert.Equal((failure, false, 150L), (error.Failure, error.NotBilled, error.Usage?.InputTokenCount));
        Assert.Contains("It's too much", error.Message, StringComparison.Ordinal);
    }

    [Fact(Timeout = Limit)]
    public async Task Stream_OpenAINoError_IsNoError()
    {
        const string Role = """
            data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-test","error":null,"choices":[{"index":0,"delta":{"role":"assistant"}}]}


            """;
        await using var server = Streaming(Role + OpenAIText + OpenAIEnd);

        Assert.Equal("hello", (await server.Client(Api.OpenAI).AskAsync(streaming: true, Token)).Text);
    }

    [Fact(Timeout = Limit)]
    public async Task Stream_OpenAIErrorObject_ItsKindMayBeBilled()
    {
        await using var server = Streaming(OpenAIText
            + """
            data: {"error":{"message":"This model's maximum context length is 8192 tokens.","type":"BadRequestError","code":400}}

            data: [DONE]


            """);

        var error = await Assert.ThrowsAsync<ModelException>(() => server.Client(Api.OpenAI).AskAsync(streaming: true, Token));

        Assert.Equal((ModelFailure.ContextTooLong, false), (error.Failure, error.NotBilled));
        Assert.Contains("8192", error.Message, StringComparison.Ordinal);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, AnthropicStart + "event: content_block_delta\ndata: {oops\n\n")]
    [InlineData(Api.OpenAI, OpenAIText + "data: {oops\n\n")]
    public async Task Stream_MalformedEvent_InvalidResponse(Api api, string events)
    {
        await using var server = Streaming(events);

        var error = await Assert.ThrowsAsync<ModelException>(() => server.Client(api).AskAsync(streaming: true, Token));

        Assert.Equal((ModelFailure.InvalidResponse, false), (error.Failure, error.NotBilled));
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, "{}", "application/json")]
    [InlineData(Api.OpenAI, "{}", "application/json")]
    [InlineData(Api.Anthropic, "[]", "application/json")]
    [InlineData(Api.OpenAI, "[]", "application/json")]
    [InlineData(Api.Anthropic, "<html>Welcome</html>", "text/html")]
    [InlineData(Api.OpenAI, "<html>Welcome</html>", "text/html")]
    [InlineData(Api.OpenAI, """{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[]}""", "application/json")]
    public async Task Ask_AnotherProtocol_InvalidResponse(Api api, string body, string type)
    {
        await using var server = LoopbackServer.Answering(body, type);

        var error = await Assert.ThrowsAsync<ModelException>(() => server.Client(api).GetResponseAsync("hi", cancellationToken: Token));

        Assert.Equal((ModelFailure.InvalidResponse, false), (error.Failure, error.NotBilled));
        Assert.Equal(1, server.Requests);
    }

    [Fact(Timeout = Limit)]
    public async Task Stream_AnthropicMalformedArguments_CallWithExceptionAndRawText()
    {
        await using var server = Streaming(AnthropicStart
            + Call(0, "toolu_1", """{\"city\":\"Os""") + Call(1, "toolu_2", """{\"city\":\"Rome\"}""") + Call(2, "toolu_3", "")
            + AnthropicEnd.Replace("end_turn", "tool_use", StringComparison.Ordinal));

        var response = await server.Client(Api.Anthropic).AskAsync(streaming: true, Token);

        var calls = response.Messages.SelectMany(message => message.Contents).OfType<FunctionCallContent>().ToList();
        Assert.Equal(["toolu_1", "toolu_2", "toolu_3"], calls.Select(call => call.CallId));
        Assert.NotNull(calls[0].Exception);
        Assert.Equal("""{"city":"Os""", calls[0].AdditionalProperties!["raw_arguments"]);
        Assert.Null(calls[1].Exception);
        Assert.Equal("""{"city":"Rome"}""", JsonSerializer.Serialize(calls[1].Arguments));
        Assert.Null(calls[2].Exception);
        Assert.Empty(calls[2].Arguments!);
    }

    [Fact(Timeout = Limit)]
    public async Task Ask_OpenAIEmptyArguments_CallWithoutArguments()
    {
        await using var server = LoopbackServer.Answering(
            """{"id":"c1","object":"chat.completion","created":1,"model":"m","choices":[{"index":0,"finish_reason":"tool_calls","message":{"role":"assistant","content":null,"tool_calls":[{"id":"call_1","type":"function","function":{"name":"now","arguments":""}}]}}]}""");

        var response = await server.Client(Api.OpenAI).GetResponseAsync("hi", cancellationToken: Token);

        var call = Assert.Single(response.Messages[0].Contents.OfType<FunctionCallContent>());
        Assert.Null(call.Exception);
        Assert.Empty(call.Arguments!);
    }

    [Theory(Timeout = Limit)]
    [InlineData("retry-after-ms: 1500", 1.5)]
    [InlineData("Retry-After: 0.25", 0.25)]
    [InlineData("Date: Sun, 22 Nov 2026 10:00:00 GMT|Retry-After: Sun, 22 Nov 2026 10:00:30 GMT", 30.0)]
    [InlineData("Retry-After: Sun, 22 Nov 2026 09:00:20 GMT", 20.0)] // Against our own clock, which says 09:00.
    [InlineData("Retry-After: Sun, 22 Nov 2020 09:00:20 GMT", 0.0)]
    [InlineData("Retry-After: soon", null)]
    [InlineData("Retry-After: -5", null)]
    [InlineData("Retry-After: NaN", null)]
    public async Task Ask_RetryAfter_InEveryForm(string headers, double? seconds)
    {
        await using var server = LoopbackServer.Answering("{}", "application/json", "429 Too Many Requests", headers.Split('|'));
        var time = new FakeTimeProvider(new DateTimeOffset(2026, 11, 22, 9, 0, 0, TimeSpan.Zero));

        foreach (var api in Enum.GetValues<Api>())
        {
            var client = server.Client(api, options => options with { Time = time });
            var error = await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync("hi", cancellationToken: Token));

            Assert.Equal(seconds, error.RetryAfter?.TotalSeconds);
        }
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_ServerAsksForARetry_SdkDoesNotRetry(Api api, bool streaming)
    {
        await using var server = LoopbackServer.Answering("{}", "application/json", "500 Internal Server Error", "x-should-retry: true", "Retry-After: 0");

        await Assert.ThrowsAsync<ModelException>(() => server.Client(api).AskAsync(streaming, Token));

        Assert.Equal(1, server.Requests);
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_Redirect_IsNotFollowed(Api api, bool streaming)
    {
        await using var elsewhere = LoopbackServer.Answering("{}");
        await using var server = LoopbackServer.Answering("", "text/plain", "307 Temporary Redirect", $"Location: {elsewhere.Url}");

        var error = await Assert.ThrowsAsync<ModelException>(() => server.Client(api).AskAsync(streaming, Token));

        Assert.Equal((ModelFailure.InvalidRequest, 307), (error.Failure, error.StatusCode));
        Assert.Equal(0, elsewhere.Requests);
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_ConnectionRefused_UnavailableAndNotBilled(Api api, bool streaming)
    {
        var server = LoopbackServer.Answering("{}");
        var client = server.Client(api);
        await server.DisposeAsync();

        var error = await Assert.ThrowsAsync<ModelException>(() => client.AskAsync(streaming, Token));

        Assert.Equal((ModelFailure.Unavailable, true), (error.Failure, error.NotBilled));
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_HostNotFound_UnavailableAndNotBilled(Api api, bool streaming)
    {
        // No name is looked up: the handler stands in for a resolver that knows none.
        var resolver = new SocketsHttpHandler { ConnectCallback = (_, _) => throw new SocketException((int)SocketError.HostNotFound) };
        using var client = Clients.Create(api, new ProviderOptions { BaseUrl = new Uri("http://nowhere.invalid/v1/"), Handler = resolver });

        var error = await Assert.ThrowsAsync<ModelException>(() => client.AskAsync(streaming, Token));

        Assert.Equal((ModelFailure.Unavailable, true), (error.Failure, error.NotBilled));
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_CallerCancels_IsNotWrapped(Api api, bool streaming)
    {
        using var cancel = new CancellationTokenSource();
        await using var server = new LoopbackServer(async exchange =>
        {
            await cancel.CancelAsync();
            await exchange.NeverAsync();
        });

        var error = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.Client(api).AskAsync(streaming, cancel.Token));

        Assert.IsNotType<ModelException>(error);
        Assert.Equal(1, server.Requests);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, AnthropicStart + AnthropicText)]
    [InlineData(Api.OpenAI, OpenAIText)]
    public async Task Stream_CallerCancelsInTheMiddle_IsNotWrapped(Api api, string events)
    {
        using var cancel = new CancellationTokenSource();
        await using var server = new LoopbackServer(async exchange =>
        {
            await exchange.BeginStreamAsync();
            await exchange.WriteAsync(events);
            await exchange.NeverAsync();
        });

        var text = "";
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var update in server.Client(api).GetStreamingResponseAsync("hi", cancellationToken: cancel.Token))
            {
                text += update.Text;
                if (text == "hello")
                    await cancel.CancelAsync();
            }
        });

        Assert.Equal("hello", text);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, AnthropicStart + AnthropicText, 150L)]
    [InlineData(Api.OpenAI, OpenAIText, null)]
    public async Task Stream_SilentInTheMiddle_TimeoutAfterIdleLimit(Api api, string events, long? input)
    {
        var time = new FakeTimeProvider();
        await using var server = new LoopbackServer(async exchange =>
        {
            await exchange.BeginStreamAsync();
            await exchange.WriteAsync(events);
            await exchange.NeverAsync();
        });
        var client = server.Client(api, options => options with { Time = time, IdleTimeout = TimeSpan.FromSeconds(30) });
        await using var updates = client.GetStreamingResponseAsync("hi", cancellationToken: Token).GetAsyncEnumerator(Token);
        var text = "";
        while (text != "hello")
        {
            Assert.True(await updates.MoveNextAsync());
            text += updates.Current.Text;
        }

        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            while (true)
            {
                var next = updates.MoveNextAsync().AsTask();
                while (!next.IsCompleted)
                {
                    time.Advance(TimeSpan.FromSeconds(31));
                    await Task.Yield();
                }

                Assert.True(await next);
            }
        });

        Assert.Equal((ModelFailure.Timeout, false, input), (error.Failure, error.NotBilled, error.Usage?.InputTokenCount));
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, AnthropicStart + AnthropicText, AnthropicEnd)]
    [InlineData(Api.OpenAI, OpenAIText, OpenAIEnd)]
    public async Task Stream_SlowConsumer_IsNoSilence(Api api, string events, string end)
    {
        var time = new FakeTimeProvider();
        var consumed = new TaskCompletionSource();
        await using var server = new LoopbackServer(async exchange =>
        {
            await exchange.BeginStreamAsync();
            await exchange.WriteAsync(events);
            await consumed.Task.WaitAsync(exchange.Stop);
            await exchange.WriteAsync(end);
        });
        var client = server.Client(api, options => options with { Time = time, IdleTimeout = TimeSpan.FromSeconds(30) });

        var usage = default(UsageDetails);
        await foreach (var update in client.GetStreamingResponseAsync("hi", cancellationToken: Token))
        {
            usage = update.Contents.OfType<UsageContent>().SingleOrDefault()?.Details;
            if (update.Text != "hello")
                continue;

            time.Advance(TimeSpan.FromSeconds(45));
            consumed.SetResult();
        }

        Assert.Equal(8, usage!.OutputTokenCount);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic)]
    [InlineData(Api.OpenAI)]
    public async Task Stream_EndsAfterAWholeToolCallWithoutFinishReason_NoCallIsHandedOut(Api api)
    {
        const string OpenAICall = """
            data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"gpt-test","choices":[{"index":0,"delta":{"role":"assistant","tool_calls":[{"index":0,"id":"call_1","type":"function","function":{"name":"pay","arguments":"{}"}}]},"finish_reason":null}]}


            """;
        await using var server = Streaming(api == Api.Anthropic ? AnthropicStart + Call(0, "toolu_1", "{}") : OpenAICall);

        var contents = new List<AIContent>();
        var error = await Assert.ThrowsAsync<ModelException>(async () =>
        {
            await foreach (var update in server.Client(api).GetStreamingResponseAsync("hi", cancellationToken: Token))
                contents.AddRange(update.Contents);
        });

        Assert.Equal(ModelFailure.StreamInterrupted, error.Failure);
        Assert.Empty(contents.OfType<FunctionCallContent>());
    }

    [Theory(Timeout = Limit)]
    [CombinatorialWires]
    public async Task Ask_BodyStopsInTheMiddle_TimeoutOfTheWholeCall(Api api, bool streaming)
    {
        var time = new FakeTimeProvider();
        var begun = new TaskCompletionSource();
        await using var server = new LoopbackServer(async exchange =>
        {
            await exchange.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 500\r\n\r\n{\"id\":");
            begun.SetResult();
            await exchange.NeverAsync();
        });
        var client = server.Client(api, options => options with { Time = time, Timeout = TimeSpan.FromMinutes(3) });

        var asking = client.AskAsync(streaming, Token);
        await begun.Task.WaitAsync(Token);
        while (!asking.IsCompleted)
        {
            time.Advance(TimeSpan.FromMinutes(1));
            await Task.Yield();
        }

        Assert.Equal(ModelFailure.Timeout, (await Assert.ThrowsAsync<ModelException>(() => asking)).Failure);
    }

    private static LoopbackServer Streaming(string events) => new(async exchange =>
    {
        await exchange.BeginStreamAsync();
        await exchange.WriteAsync(events);
    });

    private static string Call(int index, string id, string json) =>
        $$$$"""
        event: content_block_start
        data: {"type":"content_block_start","index":{{{{index}}}},"content_block":{"type":"tool_use","id":"{{{{id}}}}","name":"weather","input":{}}}

        event: content_block_delta
        data: {"type":"content_block_delta","index":{{{{index}}}},"delta":{"type":"input_json_delta","partial_json":"{{{{json}}}}"}}

        event: content_block_stop
        data: {"type":"content_block_stop","index":{{{{index}}}}}


        """;

    private static void AssertCounts(UsageDetails usage)
    {
        Assert.Equal((150, 100, 8, 158), (usage.InputTokenCount, usage.CachedInputTokenCount, usage.OutputTokenCount, usage.TotalTokenCount));
        Assert.Equal(30, usage.AdditionalCounts![UsageKeys.CacheWrite]);
    }
}
