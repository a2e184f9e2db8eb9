using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Models;

namespace Steward.Providers.Tests;

/// <summary>What leaves the machine: addresses, headers, limits, cache marks.</summary>
public sealed class RequestTests(FakeProvider provider)
{
    private const int Limit = 60_000;

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic, "/v1/messages")] // Both at a gateway; at Anthropic's own address the key is in x-api-key alone.
    [InlineData(Api.OpenAI, "/v1/chat/completions")]
    public async Task Request_BaseUrlKeyAndExtraHeaders_ReachTheServer(Api api, string path)
    {
        var conversation = await provider.AnswersAsync(api, new() { ["content"] = "hello" }, with: options => options with
        {
            Headers = new Dictionary<string, string>(options.Headers) { ["Helicone-Property-Team"] = "blue", ["User-Agent"] = "steward-test" },
        });

        await conversation.AskAsync();

        // The fake files a request under its X-Test-Id header: that it is found at all shows that header too.
        var seen = Assert.Single(await conversation.SeenAsync())!;
        Assert.Equal(path, (string)seen["path"]!);
        Assert.Equal("blue", (string)seen["headers"]!["helicone-property-team"]!);
        Assert.Equal("steward-test", (string)seen["headers"]!["user-agent"]!);
        Assert.Equal("Bearer " + FakeProvider.Key, Assert.Single(conversation.Sent.Requests).Headers["authorization"]);
    }

    [Theory(Timeout = Limit)]
    [InlineData(Api.Anthropic)]
    [InlineData(Api.OpenAI)]
    public async Task Request_WithoutKey_CarriesNoCredential(Api api)
    {
        var conversation = await provider.AnswersAsync(api, new() { ["content"] = "hello" }, with: options => options with { ApiKey = null });

        await conversation.AskAsync();

        var headers = Assert.Single(conversation.Sent.Requests).Headers;
        Assert.DoesNotContain("authorization", headers.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.DoesNotContain("x-api-key", headers.Keys, StringComparer.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("https://name.openai.azure.com/openai/v1/", "api-key", "authorization")]
    [InlineData("https://api.deepseek.com/v1/", "authorization", "api-key")]
    public async Task Request_Azure_KeyGoesIntoApiKeyHeader(string url, string present, string absent)
    {
        // Nothing leaves: the handler stands in for a network that this test may not reach.
        var closed = new ClosedNetwork();
        using var client = ModelProviders.CreateOpenAI(
            "gpt-test", new ProviderOptions { ApiKey = FakeProvider.Key, BaseUrl = new Uri(url), Handler = closed });

        await Assert.ThrowsAsync<Steward.Models.ModelException>(
            () => client.GetResponseAsync("hi", cancellationToken: TestContext.Current.CancellationToken));

        Assert.StartsWith(url + "chat/completions", closed.Url!.AbsoluteUri, StringComparison.Ordinal);
        Assert.EndsWith(FakeProvider.Key, closed.Headers[present], StringComparison.Ordinal);
        Assert.DoesNotContain(absent, closed.Headers.Keys, StringComparer.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData(null, null, "max_completion_tokens")]
    [InlineData("https://name.openai.azure.com/openai/v1/", null, "max_completion_tokens")]
    [InlineData("https://oai.helicone.ai/v1/", null, "max_completion_tokens")]
    [InlineData("https://api.deepseek.com/v1/", null, "max_tokens")]
    [InlineData("http://127.0.0.1:11434/v1/", null, "max_tokens")]
    [InlineData("http://127.0.0.1:11434/v1/", "max_completion_tokens", "max_completion_tokens")]
    public async Task Request_OutputLimit_InTheFieldThatTheServerKnows(string? url, string? chosen, string expected)
    {
        var closed = new ClosedNetwork();
        var options = new ProviderOptions { BaseUrl = url is null ? null : new Uri(url), MaxTokensField = chosen, Handler = closed };
        using var client = ModelProviders.CreateOpenAI("gpt-test", options);

        await Assert.ThrowsAsync<Steward.Models.ModelException>(() => client.GetResponseAsync(
            "hi", new ChatOptions { MaxOutputTokens = 77 }, TestContext.Current.CancellationToken));

        var fields = closed.Body!.Where(field => field.Key.StartsWith("max_", StringComparison.Ordinal)).ToList();
        Assert.Equal((expected, 77), (Assert.Single(fields).Key, (int)fields[0].Value!));
    }

    [Fact]
    public async Task Request_AnthropicOutputLimit_IsMaxTokens()
    {
        var closed = new ClosedNetwork();
        using var client = ModelProviders.CreateAnthropic("claude-test", new ProviderOptions { Handler = closed });

        await Assert.ThrowsAsync<Steward.Models.ModelException>(() => client.GetResponseAsync(
            "hi", new ChatOptions { MaxOutputTokens = 77 }, TestContext.Current.CancellationToken));

        Assert.Equal(77, (int)closed.Body!["max_tokens"]!);
        Assert.Equal("https://api.anthropic.com/v1/messages", closed.Url!.GetLeftPart(UriPartial.Path));
    }

    [Theory]
    [InlineData(Api.Anthropic, """{"type":"tool","name":"second"}""")]
    [InlineData(Api.OpenAI, """{"type":"function","function":{"name":"second"}}""")]
    public async Task Request_RequiredTool_IsNamed(Api api, string choice)
    {
        var closed = new ClosedNetwork();
        using var client = Clients.Create(api, new ProviderOptions { Handler = closed });
        var options = new ChatOptions { Tools = [Tool("first"), Tool("second")], ToolMode = ChatToolMode.RequireSpecific("second") };

        await Assert.ThrowsAsync<Steward.Models.ModelException>(
            () => client.GetResponseAsync("hi", options, TestContext.Current.CancellationToken));

        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(choice), closed.Body!["tool_choice"]), closed.Body.ToJsonString());
    }

    [Theory(Timeout = Limit)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Request_Anthropic_MarksStablePrefixAndNewestMessages(bool streaming)
    {
        var conversation = await provider.AnswersAsync(Api.Anthropic, new() { ["content"] = "hello" });
        conversation.Question.Insert(0, new ChatMessage(ChatRole.System, "You help."));
        var tools = new ChatOptions { Tools = [Tool("first"), Tool("second")] };

        await conversation.AskAsync(streaming, tools);

        var body = Assert.Single(conversation.Sent.Requests).Body;
        Assert.Null(body["tools"]![0]!["cache_control"]);
        Assert.Equal("ephemeral", (string)body["tools"]![1]!["cache_control"]!["type"]!);
        Assert.Equal("ephemeral", (string)body["system"]![0]!["cache_control"]!["type"]!);
        Assert.Equal("ephemeral", (string)body["messages"]![0]!["content"]![0]!["cache_control"]!["type"]!);
    }

    [Fact(Timeout = Limit)]
    public async Task Request_OpenAIStream_AsksForUsage()
    {
        var conversation = await provider.AnswersAsync(Api.OpenAI, new() { ["content"] = "hello" });

        await conversation.AskAsync(streaming: true);

        Assert.True((bool)Assert.Single(conversation.Sent.Requests).Body["stream_options"]!["include_usage"]!);
    }

    [Fact(Timeout = Limit)]
    public async Task Request_AnthropicCachingOff_NoMarks()
    {
        var conversation = await provider.AnswersAsync(
            Api.Anthropic, new() { ["content"] = "hello" }, with: options => options with { PromptCaching = false });

        await conversation.AskAsync();

        Assert.DoesNotContain("cache_control", Assert.Single(conversation.Sent.Requests).Body.ToJsonString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Options_ToString_HidesSecrets()
    {
        var options = new ProviderOptions { ApiKey = FakeProvider.Key, Headers = new Dictionary<string, string> { ["Helicone-Auth"] = "Bearer secret" } };

        Assert.DoesNotContain(FakeProvider.Key, options.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("secret", options.ToString(), StringComparison.Ordinal);
    }

    private static AIFunction Tool(string name) => AIFunctionFactory.Create(() => name, name);
}
