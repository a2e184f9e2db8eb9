using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.AspNetCore.Tests;

/// <summary>Starting runs over HTTP.</summary>
public sealed class StartTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ApiServer.StartAsync(_database, configure: o => o.MaxBodySize = 4_096);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Start_Answers201WithLocation_AndTheRunEnds()
    {
        ApiAnswer started = await StartAsync("""{"agent":"helper","input":"Hello","user":"u1","session":"s1","ceilings":{"usd":0.5,"tokens":10000}}""");

        Assert.Equal(HttpStatusCode.Created, started.Status);
        string run = started.Json.GetProperty("run").GetString()!;
        Assert.Equal($"/v1/runs/{run}", started.Headers.Location!.ToString());
        JsonElement ended = (await _server.SendAsync("GET", $"{started.Headers.Location}?wait=60")).Json;
        Assert.Equal(("completed", "Good morning.", "acme", "u1", "s1", "helper"), (Text(ended, "status"), Text(ended, "output"), Text(ended, "tenant"), Text(ended, "user"), Text(ended, "session"), Text(ended, "agent")));
        Assert.True(ended.GetProperty("spent").GetProperty("usd").GetDecimal() > 0);
        RunState state = await RunJournal.LoadAsync(_server.Store, RunId.Parse(run), ApiServer.Token);
        Assert.Equal((0.5m, 10_000L), (state.Started.Ceilings.Usd, state.Started.Ceilings.Tokens));
    }

    [Fact]
    public async Task Start_WithParts_KeepsThem()
    {
        ApiAnswer started = await StartAsync("""{"agent":"helper","input":[{"is":"text","text":"Look"},{"is":"data","mediaType":"image/png","data":"AAEC"},{"is":"uri","mediaType":"image/png","uri":"https://example.com/a.png"}]}""");
        Assert.Equal(HttpStatusCode.Created, started.Status);
        RunState state = await RunJournal.LoadAsync(_server.Store, RunId.Parse(Text(started.Json, "run")!), ApiServer.Token);
        Assert.Collection(
            state.Started.Input,
            p => Assert.Equal("Look", Assert.IsType<TextPart>(p).Text),
            p => Assert.Equal([0, 1, 2], Assert.IsType<DataPart>(p).Data),
            p => Assert.Equal("https://example.com/a.png", Assert.IsType<UriPart>(p).Uri.ToString()));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_SameKey_Answers200WithTheSameRun(bool header)
    {
        ApiAnswer first = await StartAsync(header ? """{"agent":"helper","input":"Hello"}""" : """{"agent":"helper","input":"Hello","key":"order-1"}""", header ? "order-1" : null);
        ApiAnswer again = await StartAsync("""{"agent":"helper","input":"Hello"}""", "order-1");

        Assert.Equal((HttpStatusCode.Created, HttpStatusCode.OK), (first.Status, again.Status));
        Assert.Equal(Text(first.Json, "run"), Text(again.Json, "run"));
        Assert.Equal(first.Headers.Location, again.Headers.Location);
        (await StartAsync("""{"agent":"helper","input":"Something else"}""", "order-1")).Is(HttpStatusCode.UnprocessableEntity, "key_reused", Text(first.Json, "run"));
        (await StartAsync("""{"agent":"helper","input":"Hello","key":"order-2"}""", "order-1")).Is(HttpStatusCode.BadRequest, "invalid_request", "'order-2'");
        Assert.Single(await _server.Store.FindAsync(new RunQuery(), ApiServer.Token));
    }

    [Fact]
    public async Task Start_ManyAtOnceWithOneKey_StartsOneRun()
    {
        ApiAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StartAsync("""{"agent":"helper","input":"Hello"}""", "once")));
        Assert.Single(answers, a => a.Status == HttpStatusCode.Created);
        Assert.Single(answers.Select(a => Text(a.Json, "run")).Distinct());
    }

    [Fact]
    public async Task Start_QueueFull_Answers429WithRetryAfterLimitAndRemedy()
    {
        await _server.Store.SetLimitsAsync(LimitScope.Parse("tenant:acme"), new Limits { Queue = 0 }, ApiServer.Token);
        ApiAnswer refused = await StartAsync("""{"agent":"helper","input":"Hello"}""");

        JsonElement problem = refused.Is(HttpStatusCode.TooManyRequests, "queue_full", "raise the limit");
        Assert.Equal(("tenant:acme", 0), (Text(problem, "scope"), problem.GetProperty("limit").GetInt32()));
        Assert.Equal(TimeSpan.FromSeconds(5), refused.Headers.RetryAfter!.Delta);
        Assert.Empty(await _server.Store.FindAsync(new RunQuery(), ApiServer.Token));
        Assert.Equal(HttpStatusCode.Created, (await _server.SendAsync("POST", "/v1/runs", "beta-app", """{"agent":"helper","input":"Hello"}""")).Status);
    }

    [Fact]
    public async Task Start_SessionBusy_Answers409WithTheRun()
    {
        ApiAnswer first = await StartAsync("""{"agent":"looker","input":"Look","session":"s"}""");
        JsonElement problem = (await StartAsync("""{"agent":"looker","input":"Look","session":"s","session_policy":"reject"}""")).Is(HttpStatusCode.Conflict, "session_busy", "'s'");
        Assert.Equal(Text(first.Json, "run"), Text(problem, "run"));
        Assert.Equal(HttpStatusCode.Created, (await _server.SendAsync("POST", "/v1/runs", "beta-app", """{"agent":"helper","input":"Hello","session":"s","session_policy":"reject"}""")).Status);
    }

    [Fact]
    public async Task Start_UnknownAgent_Answers404NamingTheKnownOnes()
    {
        ApiAnswer refused = await StartAsync("""{"agent":"helpful","input":"Hello"}""");
        JsonElement problem = refused.Is(HttpStatusCode.NotFound, "unknown_agent", "'helpful'");
        Assert.Equal(
            """{"type":"urn:steward:unknown_agent","title":"There is no such agent.","status":404,"detail":"There is no agent 'helpful' here; there are: asker, guarded, helper, looker, pair, payer, speaker.","field":"agent","value":"helpful","known":["asker","guarded","helper","looker","pair","payer","speaker"]}""",
            refused.Text);
        Assert.Equal(["asker", "guarded", "helper", "looker", "pair", "payer", "speaker"], problem.GetProperty("known").EnumerateArray().Select(a => a.GetString()));
        JsonElement agents = (await _server.SendAsync("GET", "/v1/agents")).Json.GetProperty("agents");
        Assert.Equal(["asker", "guarded", "helper", "looker", "pair", "payer", "speaker"], agents.EnumerateArray().Select(a => Text(a, "agent")));
    }

    [Theory]
    [InlineData("{", "body", null)]
    [InlineData("[]", "body", "[]")]
    [InlineData("""{"agent":"helper"}""", "input", null)]
    [InlineData("""{"input":"Hello"}""", "agent", null)]
    [InlineData("""{"agent":5,"input":"Hello"}""", "agent", "5")]
    [InlineData("""{"agent":"helper","input":"  "}""", "input", "")]
    [InlineData("""{"agent":"helper","input":[]}""", "input", "[]")]
    [InlineData("""{"agent":"helper","input":[{"is":"call"}]}""", "input[0].is", "\"call\"")]
    [InlineData("""{"agent":"helper","input":[{"is":"text"}]}""", "input[0].text", null)]
    [InlineData("""{"agent":"helper","input":[{"is":"text","text":"a","x":1}]}""", "input[0].x", "1")]
    [InlineData("""{"agent":"helper","input":[{"is":"data","mediaType":"image/png","data":"?"}]}""", "input[0].data", "\"?\"")]
    [InlineData("""{"agent":"helper","input":[{"is":"uri","mediaType":"image/png","uri":"file:///etc/passwd"}]}""", "input[0].uri", "\"file:///etc/passwd\"")]
    [InlineData("""{"agent":"helper","input":"Hello","sesion":"s"}""", "sesion", "\"s\"")]
    [InlineData("""{"agent":"helper","input":"Hello","session_policy":"never"}""", "session_policy", "never")]
    [InlineData("""{"agent":"helper","input":"Hello","session_policy":"reject"}""", "session_policy", "reject")]
    [InlineData("""{"agent":"helper","input":"Hello","ceilings":{"usd":-1}}""", "ceilings.usd", "-1")]
    [InlineData("""{"agent":"helper","input":"Hello","labels":["ticket"]}""", "labels", "[\"ticket\"]")]
    [InlineData("""{"agent":"helper","input":"Hello","labels":{"ticket":991}}""", "labels.ticket", "991")]
    [InlineData("""{"agent":"helper","input":"Hello","labels":{"a b":"x"}}""", "labels", "{\"a b\":\"x\"}")]
    [InlineData("""{"agent":"helper","input":"Hello","ceilings":{"euro":1}}""", "ceilings.euro", "1")]
    public async Task Start_InvalidBody_Answers400NamingFieldAndValue(string body, string field, string? value)
    {
        JsonElement problem = (await StartAsync(body)).Is(HttpStatusCode.BadRequest, "invalid_request", field);
        Assert.Equal((field, value), (Text(problem, "field"), Text(problem, "value")));
        Assert.Empty(await _server.Store.FindAsync(new RunQuery(), ApiServer.Token));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Start_BodyTooLarge_Answers413(bool chunked)
    {
        HttpRequestMessage request = ApiServer.Request("POST", "/v1/runs", "acme-app", $$"""{"agent":"helper","input":"{{new string('x', 5_000)}}"}""");
        request.Headers.TransferEncodingChunked = chunked;
        (await _server.SendAsync(request)).Is(HttpStatusCode.RequestEntityTooLarge, "too_large", "4096");
    }

    [Fact]
    public async Task Start_NotJson_Answers415()
    {
        HttpRequestMessage request = ApiServer.Request("POST", "/v1/runs", "acme-app");
        request.Content = new StringContent("agent=helper", Encoding.UTF8, new MediaTypeHeaderValue("text/plain"));
        (await _server.SendAsync(request)).Is(HttpStatusCode.UnsupportedMediaType, "not_json", "text/plain");
    }

    [Fact]
    public async Task Start_ForAnyTenant_TakesTheOneThatIsNamed()
    {
        Assert.Equal("gamma", Text((await _server.SendAsync("POST", "/v1/runs", "root", """{"agent":"helper","input":"Hello","tenant":"gamma"}""")).Json, "tenant"));
        Assert.Equal("default", Text((await _server.SendAsync("POST", "/v1/runs", "root", """{"agent":"helper","input":"Hello"}""")).Json, "tenant"));
        Assert.Equal("acme", Text((await StartAsync("""{"agent":"helper","input":"Hello","tenant":"acme"}""")).Json, "tenant"));
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private Task<ApiAnswer> StartAsync(string body, string? key = null)
    {
        HttpRequestMessage request = ApiServer.Request("POST", "/v1/runs", "acme-app", body);
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        return _server.SendAsync(request);
    }
}
