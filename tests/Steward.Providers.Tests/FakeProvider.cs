using System.Diagnostics;
using System.Net.Http.Json;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.Extensions.AI;
using Steward.Providers.Tests;
using Steward.Tests.Shared;

[assembly: AssemblyFixture(typeof(FakeProvider))]

namespace Steward.Providers.Tests;

/// <summary>The two wires.</summary>
public enum Api
{
    Anthropic,
    OpenAI,
}

/// <summary>An independent fake provider (npm @copilotkit/aimock, not written here), as a process of its own on 127.0.0.1.</summary>
public sealed class FakeProvider : IAsyncLifetime
{
    public const string Key = "sk-test-0123456789abcdef";

    /// <summary>A question to which server.mjs has the answer: the fake takes malformed arguments only from its own process.</summary>
    public const string MalformedArguments = "answer with malformed arguments";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private static readonly string Folder = typeof(FakeProvider).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>()
        .Single(attribute => attribute.Key == "WireFolder").Value!;

    private readonly HttpClient _control = new();
    private Process? _process;

    public Uri Url { get; private set; } = new("http://127.0.0.1:0/");

    public async ValueTask InitializeAsync()
    {
        // Here a missing Node may not fail: tests that do not need it must still run. Each test that does asks again.
        if (!Directory.Exists(Path.Combine(Folder, "node_modules")))
            return;

        var start = new ProcessStartInfo("node", "server.mjs")
        {
            WorkingDirectory = Folder,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            UseShellExecute = false,
        };
        try
        {
            _process = Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return;
        }

        using var limit = new CancellationTokenSource(StartLimit);
        var port = await _process.StandardOutput.ReadLineAsync(limit.Token)
            ?? throw new InvalidOperationException("The fake provider ended before it said its port.");
        Url = new Uri($"http://127.0.0.1:{port}/");
    }

    public async ValueTask DisposeAsync()
    {
        _control.Dispose();
        if (_process is not { } process)
            return;

        process.StandardInput.Close();
        using var limit = new CancellationTokenSource(StartLimit);
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }

        process.Dispose();
    }

    /// <summary>Tells the fake what to answer, and gives a conversation with a client whose one question gets that answer.</summary>
    public async Task<Conversation> AnswersAsync(Api api, JsonObject response, JsonObject? fixture = null, Func<ProviderOptions, ProviderOptions>? with = null)
    {
        Requirement.Node(Folder);
        var question = $"question {Guid.NewGuid():N}";
        fixture ??= [];
        fixture["match"] = new JsonObject { ["userMessage"] = question };
        fixture["response"] = response;
        var body = new JsonObject { ["fixtures"] = new JsonArray(fixture) };
        using var added = await _control.PostAsJsonAsync(new Uri(Url, "__aimock/fixtures"), body, TestContext.Current.CancellationToken);
        Assert.True(added.IsSuccessStatusCode, await added.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        return new Conversation(this, api, question, with);
    }

    /// <summary>A conversation whose answer the fake already knows.</summary>
    public Conversation Asked(Api api, string question)
    {
        Requirement.Node(Folder);
        return new Conversation(this, api, question, null);
    }

    /// <summary>The requests that the fake has seen in one conversation.</summary>
    public async Task<JsonArray> RequestsAsync(string conversation) =>
        (await _control.GetFromJsonAsync<JsonArray>(
            new Uri(Url, $"__aimock/journal?testId={conversation}"), TestContext.Current.CancellationToken))!;
}

/// <summary>A question, and a client that talks to the fake through the real SDK.</summary>
public sealed class Conversation
{
    private readonly FakeProvider _provider;
    private readonly string _id = Guid.NewGuid().ToString("N");

    public Conversation(FakeProvider provider, Api api, string question, Func<ProviderOptions, ProviderOptions>? with)
    {
        _provider = provider;
        Question = [new ChatMessage(ChatRole.User, question)];
        var options = new ProviderOptions
        {
            ApiKey = FakeProvider.Key,
            BaseUrl = api == Api.Anthropic ? provider.Url : new Uri(provider.Url, "v1/"),
            Headers = new Dictionary<string, string> { ["X-Test-Id"] = _id },
            Handler = Sent,
        };
        Client = Clients.Create(api, with?.Invoke(options) ?? options);
    }

    public IChatClient Client { get; }

    public List<ChatMessage> Question { get; }

    public Recorder Sent { get; } = new();

    public Task<JsonArray> SeenAsync() => _provider.RequestsAsync(_id);

    public Task<ChatResponse> AskAsync(ChatOptions? options = null) =>
        Client.GetResponseAsync(Question, options, TestContext.Current.CancellationToken);

    public IAsyncEnumerable<ChatResponseUpdate> Stream(ChatOptions? options = null) =>
        Client.GetStreamingResponseAsync(Question, options, TestContext.Current.CancellationToken);

    public Task<ChatResponse> AskAsync(bool streaming, ChatOptions? options = null) =>
        streaming ? Stream(options).ToChatResponseAsync(TestContext.Current.CancellationToken) : AskAsync(options);
}

internal static class Clients
{
    public static IChatClient Create(Api api, ProviderOptions options) => api == Api.Anthropic
        ? ModelProviders.CreateAnthropic("claude-test", options)
        : ModelProviders.CreateOpenAI("gpt-test", options);

    public static async Task<ChatResponse> AskAsync(this IChatClient client, bool streaming, CancellationToken cancellationToken) => streaming
        ? await client.GetStreamingResponseAsync("hi", cancellationToken: cancellationToken).ToChatResponseAsync(cancellationToken)
        : await client.GetResponseAsync("hi", cancellationToken: cancellationToken);
}

/// <summary>The last handler before the network: keeps what is really sent.</summary>
public sealed class Recorder : DelegatingHandler
{
    public Recorder()
        : base(new SocketsHttpHandler())
    {
    }

    public List<(Uri Url, Dictionary<string, string> Headers, JsonObject Body)> Requests { get; } = [];

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        var headers = request.Headers.ToDictionary(header => header.Key, header => string.Join(",", header.Value), StringComparer.OrdinalIgnoreCase);
        var body = JsonNode.Parse(await request.Content!.ReadAsStringAsync(cancellationToken))!.AsObject();
        Requests.Add((request.RequestUri!, headers, body));
        return await base.SendAsync(request, cancellationToken);
    }
}
