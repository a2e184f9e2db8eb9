using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Agents;
using Steward.Hosting;
using Steward.Journal;
using Steward.Models;
using Steward.Sqlite;
using Steward.Storage;

namespace Steward.AspNetCore.Tests;

/// <summary>An application with the API: real Kestrel on a port of its own, a real SQLite file, API keys. The models are scripted.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private static readonly (string Name, string? Tenant, string[] Roles)[] s_keys =
    [
        ("acme-app", "acme", []),
        ("acme-boss", "acme", ["finance"]),
        ("acme-cfo", "acme", ["finance"]),
        ("acme-admin", "acme", ["administrator"]),
        ("beta-app", "beta", ["finance"]),
        ("beta-admin", "beta", ["administrator", "finance"]),
        ("root", null, ["administrator"]),
    ];

    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private ApiServer(WebApplication app, TestAgents agents)
    {
        _app = app;
        Agents = agents;
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        _client = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };
    }

    public static CancellationToken Token => TestContext.Current.CancellationToken;

    public TestAgents Agents { get; }

    public HttpClient Client => _client;

    public IStewardStore Store => _app.Services.GetRequiredService<IStewardStore>();

    /// <summary>Begins to stop, as SIGTERM does; the server still answers.</summary>
    public void BeginToStop() => _app.Lifetime.StopApplication();

    /// <summary>The routes of the API.</summary>
    public (string Method, string Pattern)[] Routes =>
    [
        .. _app.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .SelectMany(e => e.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods, (e, m) => (m, "/" + e.RoutePattern.RawText!.TrimStart('/'))),
    ];

    public static async Task<ApiServer> StartAsync(TestDatabase database, bool work = true, Action<StewardApiOptions>? configure = null, Action<WebApplication>? map = null)
    {
        var agents = new TestAgents();
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseSetting("urls", "http://127.0.0.1:0");
        StewardBuilder steward = builder.Services.AddSteward(o =>
        {
            o.RunWorker = work;
            o.PollInterval = TimeSpan.FromMilliseconds(30);
            o.WatchInterval = TimeSpan.FromMilliseconds(20);
            o.DrainGrace = TimeSpan.FromMilliseconds(200);
            foreach (AgentDefinition agent in agents.All)
                o.Prices.Add(new ModelInfo(TestAgents.Provider, agent.Name, 1m, 2m, 0.1m, 1.25m, 1_000_000, 4_096, "test", "2026-11-23"));
        }).UseSqlite(database.Path).AddModels(TestAgents.Provider, (_, target) => agents.Model(target.Model));
        foreach (AgentDefinition agent in agents.All)
            steward.AddAgent(agent);
        builder.Services.AddAuthentication().AddStewardApiKeys(o =>
        {
            foreach ((string name, string? tenant, string[] roles) in s_keys)
                o.Keys.Add(new StewardApiKey(name, tenant, roles, StewardApiKey.Hash(KeyOf(name))));
        });
        builder.Services.AddAuthorization();
        builder.Services.Configure<StewardApiOptions>(o => configure?.Invoke(o));
        WebApplication app = builder.Build();
        (map ?? (a =>
        {
            a.MapSteward();
            a.MapStewardHealth();
        }))(app);
        await app.StartAsync(Token);
        return new ApiServer(app, agents);
    }

    public static string KeyOf(string name) => $"key-of-{name}";

    public static HttpRequestMessage Request(string method, string path, string? who, string? body = null)
    {
        var request = new HttpRequestMessage(new HttpMethod(method), path);
        if (who is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", KeyOf(who));
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        return request;
    }

    public async Task<ApiAnswer> SendAsync(HttpRequestMessage request)
    {
        using (request)
        {
            using HttpResponseMessage response = await _client.SendAsync(request, Token);
            string text = await response.Content.ReadAsStringAsync(Token);
            bool isJson = response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json";
            return new ApiAnswer(response.StatusCode, response.Headers, response.Content.Headers.ContentType?.MediaType, text, isJson ? JsonElement.Parse(text) : default);
        }
    }

    public Task<ApiAnswer> SendAsync(string method, string path, string? who = "acme-app", string? body = null) => SendAsync(Request(method, path, who, body));

    /// <summary>Starts a run and gives its id.</summary>
    public async Task<string> RunAsync(string agent, string who = "acme-app")
    {
        ApiAnswer answer = await SendAsync("POST", "/v1/runs", who, $$"""{"agent":"{{agent}}","input":"Hello {{who}}"}""");
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        return answer.Json.GetProperty("run").GetString()!;
    }

    /// <summary>Waits over HTTP until a run has ended or asks.</summary>
    public async Task<JsonElement> SettledAsync(string run, string who = "acme-app") => (await SendAsync("GET", $"/v1/runs/{run}?wait=60", who)).Json;

    /// <summary>Starts a run that asks for approval, and gives the approval's id.</summary>
    public async Task<(string Run, string Approval)> AskAsync(string agent = "payer", string who = "acme-app")
    {
        string run = await RunAsync(agent, who);
        JsonElement settled = await SettledAsync(run, who);
        return (run, Assert.Single(settled.GetProperty("questions").EnumerateArray()).GetProperty("id").GetString()!);
    }

    /// <summary>Waits until a run's journal holds an event.</summary>
    public async Task SeesAsync(string run, string type)
    {
        for (int i = 0; ; i++)
        {
            Assert.True(i < 3_000, $"'{type}' never came.");
            await foreach (JournalEntry entry in Store.ReadAsync(RunId.Parse(run), 0, Token))
            {
                if (entry.Type == type)
                    return;
            }

            await Task.Delay(20, Token);
        }
    }

    public Task<EventReader> StreamAsync(string run, long? lastEventId = null, string query = "")
    {
        HttpRequestMessage request = Request("GET", $"/v1/runs/{run}/events{query}", "acme-app");
        request.Headers.Accept.ParseAdd("text/event-stream");
        if (lastEventId is { } id)
            request.Headers.Add("Last-Event-ID", $"{id}");
        return EventReader.OpenAsync(_client, request);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        Agents.Gate.TrySetResult();
        await _app.DisposeAsync();
    }
}

/// <summary>What the server answered.</summary>
internal sealed record ApiAnswer(HttpStatusCode Status, HttpResponseHeaders Headers, string? Type, string Text, JsonElement Json)
{
    /// <summary>Checks that it is a problem of a type, whose detail names something.</summary>
    public JsonElement Is(HttpStatusCode status, string type, string? named = null)
    {
        Assert.True(Status == status, $"{Status} instead of {status}: {Text}");
        Assert.Equal("application/problem+json", Type);
        Assert.Equal(($"urn:steward:{type}", (int)status), (Json.GetProperty("type").GetString(), Json.GetProperty("status").GetInt32()));
        if (named is not null)
            Assert.Contains(named, Json.GetProperty("detail").GetString(), StringComparison.Ordinal);
        return Json;
    }
}
