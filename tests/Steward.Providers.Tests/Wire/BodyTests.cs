using System.ClientModel;
using System.ClientModel.Primitives;
using System.Text.Json;
using System.Text.Json.Nodes;
using Anthropic;
using Anthropic.Core;
using Microsoft.Extensions.AI;
using OpenAI;
using Steward.Journal;
using Steward.Models;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>The requests that are written, held against those of both vendors' SDKs for the same conversation.</summary>
public sealed class BodyTests(ITestOutputHelper output)
{
    private static readonly AIFunction s_find = AIFunctionFactory.Create((string q, int n) => q, "find", "Finds.");

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Chat_SameConversation_SameMeaningAsTheSdk(bool stream)
    {
        var (ours, theirs) = (new ClosedNetwork(), new ClosedNetwork());
        using IChatClient client = Clients.Create(Api.OpenAI, new ProviderOptions { ApiKey = FakeProvider.Key, Handler = ours });
        using var http = new HttpClient(theirs);
        var wiring = new OpenAIClientOptions { Transport = new HttpClientPipelineTransport(http), RetryPolicy = new ClientRetryPolicy(0) };
        using IChatClient sdk = new OpenAI.Chat.ChatClient("gpt-test", new ApiKeyCredential(FakeProvider.Key), wiring).AsIChatClient();

        await SendAsync(client, stream);
        await SendAsync(sdk, stream);

        JsonObject wanted = theirs.Body!;
        foreach (JsonNode? tool in wanted["tools"]!.AsArray())
            Plain(tool!["function"]!["parameters"]!.AsObject());
        foreach (JsonNode? tool in ours.Body!["tools"]!.AsArray())
            Plain(tool!["function"]!["parameters"]!.AsObject());
        AssertSame(wanted, ours.Body!);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Messages_SameConversation_SameMeaningAsTheSdk(bool stream)
    {
        var (ours, theirs) = (new ClosedNetwork(), new ClosedNetwork());
        var options = new ProviderOptions { ApiKey = FakeProvider.Key, Handler = ours, PromptCaching = false };
        using IChatClient client = Clients.Create(Api.Anthropic, options);
        using var http = new HttpClient(theirs);
        var wiring = new ClientOptions { HttpClient = http, MaxRetries = 0, ApiKey = FakeProvider.Key, AuthToken = null };
        using IChatClient sdk = new AnthropicClient(wiring).AsIChatClient("claude-test", 4_096);

        await SendAsync(client, stream);
        await SendAsync(sdk, stream);

        Assert.True(ours.Body!.Remove("temperature")); // Their adapter leaves it out.
        foreach (JsonObject body in (JsonObject[])[theirs.Body!, ours.Body!])
        {
            foreach (JsonNode? tool in body["tools"]!.AsArray())
                Plain(tool!["input_schema"]!.AsObject());
        }

        AssertSame(theirs.Body!, ours.Body!);
    }

    /// <summary>A turn sends what the one before sent, byte for byte, and then what is new.</summary>
    [Theory]
    [InlineData(Api.OpenAI)]
    [InlineData(Api.Anthropic)]
    public async Task Turn_Appended_PrefixIsByteIdentical(Api api)
    {
        var network = new ClosedNetwork();
        using IChatClient client = Clients.Create(api, new ProviderOptions { Handler = network, PromptCaching = false });
        List<ChatMessage> messages = [new(ChatRole.System, "You help. Ü日"), new(ChatRole.User, "hi")];
        string before = "";
        for (int turn = 0; turn < 5; turn++)
        {
            ChatToolMode mode = turn == 3 ? ChatToolMode.None : ChatToolMode.Auto;
            var options = new ChatOptions { Tools = [s_find], MaxOutputTokens = 1_000 - turn, ToolMode = mode };
            await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync(messages, options, Token));
            int limit = before.IndexOf("\"max_", StringComparison.Ordinal);
            string common = before.Length == 0 ? "" : before[..(before.LastIndexOf("}]", limit, StringComparison.Ordinal) + 1)];
            Assert.StartsWith(common, network.Text, StringComparison.Ordinal);
            Assert.True(turn == 0 || common.Length > 100);
            before = network.Text;
            var call = new FunctionCallContent($"c{turn}", "find", new Dictionary<string, object?> { ["q"] = "é" });
            messages.Add(new ChatMessage(ChatRole.Assistant, [new TextContent("so"), call]));
            messages.Add(new ChatMessage(ChatRole.Tool, [new FunctionResultContent($"c{turn}", "日本")]));
        }
    }

    /// <summary>The 601st message of a conversation costs what one message costs.</summary>
    [Theory]
    [InlineData(Api.OpenAI)]
    [InlineData(Api.Anthropic)]
    public async Task Turn_OfALongConversation_WritesOnlyWhatIsNew(Api api)
    {
        var options = new ProviderOptions();
        var wire = new Steward.Providers.Wire("test", "m", options);
        var endpoint = new Endpoint("test", new Uri("http://127.0.0.1/"), "m", wire, new Dialect());
        RequestWriter writer = api == Api.OpenAI ? new ChatWriter(endpoint) : new MessagesWriter(endpoint);
        string text = new('x', 2_000);
        List<ChatMessage> messages = [];
        for (int i = 0; i < 600; i++)
            messages.Add(new ChatMessage(i % 2 == 0 ? ChatRole.User : ChatRole.Assistant, text));
        var asked = new ChatOptions { Tools = [s_find], MaxOutputTokens = 10 };
        writer.Write(messages, asked, stream: true);
        messages.Add(new ChatMessage(ChatRole.User, "one more"));
        writer.Write(messages, asked, stream: true);
        messages.Add(new ChatMessage(ChatRole.User, "and one"));

        long before = GC.GetAllocatedBytesForCurrentThread();
        RequestBody body = writer.Write(messages, asked, stream: true);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        long length = (await body.ReadAsByteArrayAsync(Token)).Length;
        output.WriteLine($"{allocated} bytes for a request of {length}");
        Assert.InRange(length, 1_200_000, long.MaxValue);
        Assert.InRange(allocated, 0, 120_000);
    }

    [Theory]
    [InlineData(Api.OpenAI)]
    [InlineData(Api.Anthropic)]
    public async Task Message_ChangedByItsOwner_IsWrittenAgain(Api api)
    {
        var network = new ClosedNetwork();
        using IChatClient client = Clients.Create(api, new ProviderOptions { Handler = network });
        var text = new TextContent("first");
        ChatMessage message = new(ChatRole.User, [text]);
        await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync([message], null, Token));
        text.Text = "second";

        await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync([message], null, Token));

        Assert.Contains("second", network.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("first", network.Text, StringComparison.Ordinal);
    }

    /// <summary>What another model made, as the next one takes it: its opaque data stays away, names and ids fit, results still belong to
    /// their calls.</summary>
    [Theory]
    [InlineData(Api.OpenAI, "mistral-large", "^[a-zA-Z0-9]{9}$")]
    [InlineData(Api.OpenAI, "gpt-test", "^[a-zA-Z0-9_-]{1,64}$")]
    [InlineData(Api.Anthropic, "claude-test", "^[a-zA-Z0-9_-]{1,64}$")]
    public async Task History_OfAnotherModel_IsShapedForThisOne(Api api, string model, string pattern)
    {
        var network = new ClosedNetwork();
        using IChatClient client = api == Api.Anthropic
            ? ModelProviders.CreateAnthropic(model, new ProviderOptions { Handler = network })
            : ModelProviders.CreateOpenAI(model, new ProviderOptions { Handler = network, BaseUrl = new Uri("http://127.0.0.1:9/v1/") });
        var other = new Opaque("chat elsewhere other", """{"extra_content":{"secret":1}}""");
        List<ChatMessage> messages =
        [
            new(ChatRole.User, "hi"),
            new(ChatRole.Assistant,
            [
                OpaqueContent.Attach(
                    new TextReasoningContent("private thought") { ProtectedData = "private signature" }, other with { Data = "reasoning_content" }),
                new OpaqueContent(other with { Data = """{"type":"redacted_thinking","data":"private block"}""" }),
                OpaqueContent.Attach(
                    new FunctionCallContent("functions.find:0|x", "multi_tool_use.parallel", new Dictionary<string, object?>()), other),
                OpaqueContent.Attach(new FunctionCallContent("call_0123456789", "find", new Dictionary<string, object?>()), other),
            ]),
            new(ChatRole.Tool, [new FunctionResultContent("functions.find:0|x", "a"), new FunctionResultContent("call_0123456789", "")]),
        ];

        await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync(messages, null, Token));

        Assert.DoesNotContain("private", network.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", network.Text, StringComparison.Ordinal);
        JsonNode[] sent = [.. network.Body!["messages"]!.AsArray().OfType<JsonNode>()];
        (string[] ids, string[] results) = api == Api.Anthropic
            ? (Strings(sent[1]["content"]!, b => b["id"]), Strings(sent[2]["content"]!, b => b["tool_use_id"]))
            : (Strings(sent[1]["tool_calls"]!, c => c["id"]), [.. sent.Skip(2).Select(m => (string)m["tool_call_id"]!)]);
        Assert.Equal(ids, results);
        Assert.Equal(2, ids.Distinct().Count());
        Assert.All(ids, id => Assert.Matches(pattern, id));
        Assert.DoesNotContain("multi_tool_use.parallel", network.Text, StringComparison.Ordinal);
        Assert.Contains("(empty result)", network.Text, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(Api.OpenAI, "text/csv", true)]
    [InlineData(Api.OpenAI, "application/json", true)]
    [InlineData(Api.OpenAI, "audio/wav", true)]
    [InlineData(Api.OpenAI, "application/pdf", true)]
    [InlineData(Api.OpenAI, "image/png", true)]
    [InlineData(Api.OpenAI, "video/mp4", false)]
    [InlineData(Api.Anthropic, "text/plain", true)]
    [InlineData(Api.Anthropic, "application/json", true)]
    [InlineData(Api.Anthropic, "application/pdf", true)]
    [InlineData(Api.Anthropic, "image/png", true)]
    [InlineData(Api.Anthropic, "audio/wav", false)]
    public async Task Attachment_IsSentOrRefused_NeverDropped(Api api, string type, bool isSent)
    {
        var network = new ClosedNetwork();
        using IChatClient client = Clients.Create(api, new ProviderOptions { Handler = network });
        ChatMessage message = new(ChatRole.User, [new TextContent("Look."), new DataContent("a,b"u8.ToArray(), type)]);

        var error = await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync([message], null, Token));

        Assert.Equal(isSent ? ModelFailure.Unavailable : ModelFailure.InvalidRequest, error.Failure);
        Assert.True(error.NotBilled);
        if (isSent)
            Assert.Matches("a,b|YSxi", network.Text);
        else
            Assert.Contains(type, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Options_FieldsOfTheEndpoint_AreInTheRequest()
    {
        var network = new ClosedNetwork();
        using IChatClient client = Clients.Create(Api.OpenAI, new ProviderOptions
        {
            Handler = network,
            Fields = new Dictionary<string, JsonElement>
            {
                ["reasoning_effort"] = JsonElement.Parse("\"low\""),
                ["provider"] = JsonElement.Parse("""{"order":["a"]}"""),
            },
        });

        await Assert.ThrowsAsync<ModelException>(() => client.GetResponseAsync("hi", null, Token));

        Assert.Equal(("low", "a"), ((string)network.Body!["reasoning_effort"]!, (string)network.Body["provider"]!["order"]![0]!));
    }

    private static string[] Strings(JsonNode list, Func<JsonNode, JsonNode?> field) =>
        [.. list.AsArray().Select(item => (string)field(item!)!)];

    private static async Task SendAsync(IChatClient client, bool stream)
    {
        List<ChatMessage> messages =
        [
            new(ChatRole.System, "You help."),
            new(ChatRole.User, "Find \"x\" & é 日."),
            new(
                ChatRole.Assistant,
                [new TextContent("I look."), new FunctionCallContent("call_1", "find", new Dictionary<string, object?> { ["q"] = "x", ["n"] = 2 })]),
            new(ChatRole.Tool, [new FunctionResultContent("call_1", "found <b>")]),
            new(ChatRole.User, [new TextContent("And this?"), new DataContent("a,b"u8.ToArray(), "image/png")]),
        ];
        var options = new ChatOptions
        {
            MaxOutputTokens = 77,
            Temperature = 0.5f,
            Tools = [s_find],
            ToolMode = ChatToolMode.Auto,
            StopSequences = ["END"],
        };
        try
        {
            if (stream)
                await client.GetStreamingResponseAsync(messages, options, Token).ToChatResponseAsync(Token);
            else
                await client.GetResponseAsync(messages, options, Token);
            Assert.Fail("The network is closed.");
        }
        catch (Exception e) when (e is not Xunit.Sdk.XunitException)
        {
            // As it should be: what would have been sent is what counts.
        }
    }

    /// <summary>What an SDK adds to a schema, or leaves out of it, without changing what it means.</summary>
    private static void Plain(JsonObject schema)
    {
        schema.Remove("$schema");
        schema.Remove("additionalProperties");
    }

    private static void AssertSame(JsonNode wanted, JsonNode written)
    {
        Normalize(wanted);
        Normalize(written);
        Assert.True(JsonNode.DeepEquals(wanted, written), $"SDK:\n{wanted.ToJsonString()}\nours:\n{written.ToJsonString()}");
    }

    /// <summary>Arguments are JSON in a string: compared by meaning. Fields with their default say what leaving them out says.</summary>
    private static void Normalize(JsonNode? node)
    {
        if (node is JsonArray list)
        {
            foreach (JsonNode? item in list)
                Normalize(item);
        }

        if (node is not JsonObject holder)
            return;
        foreach (string name in (string[])["content", "is_error", "stream", "disable_parallel_tool_use"])
        {
            if (!holder.TryGetPropertyValue(name, out JsonNode? value))
                continue;
            if (value is null || (value is JsonValue v && v.TryGetValue(out bool flag) && !flag))
                holder.Remove(name);
        }

        if (holder["arguments"] is JsonValue arguments)
            holder["arguments"] = JsonNode.Parse((string)arguments!)!.ToJsonString();
        // One text and a list with one text are the same.
        if (holder["content"] is JsonArray { Count: 1 } parts && parts[0] is JsonObject { Count: 2 } only
            && (string?)only["type"] == "text")
            holder["content"] = (string)only["text"]!;
        if (holder["temperature"] is JsonValue temperature)
            holder["temperature"] = (double)temperature;
        foreach (KeyValuePair<string, JsonNode?> child in holder.ToArray())
            Normalize(child.Value);
    }
}
