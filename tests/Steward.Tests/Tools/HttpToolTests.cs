using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Steward.Journal;
using Steward.Tools;
using Steward.Tools.Declarative;
using static Steward.Tests.Tools.LoopbackServer;
using static Steward.Tests.Tools.ToolContexts;

namespace Steward.Tests.Tools;

public sealed class HttpToolTests
{
    private const string Secret = "s3cr3t/token+value";

    [Fact]
    public async Task Get_Template_IsEncodedAndLeavesOutWhatIsNotSaid()
    {
        await using var server = new LoopbackServer(_ => Answer(200, """{"ok":true}"""));
        ToolDefinition tool = HttpTool.Create(Get(server.Url + "/users/{id}/x?q={query}&page={page}&fixed=1&t={tenant}") with
        {
            Parameters = [new("id"), new("query"), new("page", ToolParameterType.Integer) { Required = false }],
        });

        Assert.Equal("""{"ok":true}""", await tool.CallAsync("""{"id":"a/b?c","query":"x&y=ü"}"""));
        Assert.Equal("/users/a%2Fb%3Fc/x?q=x%26y%3D%C3%BC&fixed=1&t=acme", server.Last.Target);
        Assert.Equal(ToolEffect.ReadOnly, tool.Effect);
        Assert.DoesNotContain("Idempotency-Key", server.Last.Headers.Keys);
    }

    [Theory]
    [InlineData("..")]
    [InlineData(".")]
    [InlineData("")]
    public async Task Get_PathArgumentThatMovesUp_IsRefused(string id)
    {
        await using var server = new LoopbackServer(_ => Answer(200, "x"));
        ToolDefinition tool = HttpTool.Create(Get(server.Url + "/users/{id}/x") with { Parameters = [new("id")] });

        await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync($$"""{"id":"{{id}}"}"""));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Post_BodyTemplate_HoldsJsonValues()
    {
        await using var server = new LoopbackServer(_ => Answer(201, """{"id":7,"items":[{"n":"a"}]}"""));
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/orders") with
        {
            Parameters = [new("amount", ToolParameterType.Number), new("name"), new("note") { Required = false }],
            Body = JsonElement.Parse("""{"amount":"{amount}","greeting":"Dear {name}!","note":"{note}","list":["{name}","{note}"],"key":"{idempotency_key}","fixed":true}"""),
            Select = "/items/0/n",
        });

        Assert.Equal("a", await tool.CallAsync("""{"amount":5.50,"name":"An\"n"}"""));
        Assert.Equal("""{"amount":5.50,"greeting":"Dear An\"n!","list":["An\"n"],"key":"key-1","fixed":true}""", server.Last.Body);
        Assert.Equal("key-1", server.Last.Headers["Idempotency-Key"]);
        Assert.Equal(ToolEffect.Unsafe, tool.Effect);
    }

    [Fact]
    public async Task Post_JsonBody_HoldsAllThatTheUrlDoesNot()
    {
        await using var server = new LoopbackServer(_ => Answer(204, ""));
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/users/{id}") with { Parameters = [new("id"), new("name"), new("age", ToolParameterType.Integer) { Required = false }], JsonBody = true });

        Assert.Equal("The server answered 204 Status204.", await tool.CallAsync("""{"id":"u1","name":"Ann"}"""));
        Assert.Equal("""{"name":"Ann"}""", server.Last.Body);
    }

    [Theory]
    [InlineData("/a/b~1c/1", "2")]
    [InlineData("a.list", "[1,2]")]
    [InlineData("a.text", "plain")]
    public async Task Select_Path_TakesAPart(string path, string expected)
    {
        await using var server = new LoopbackServer(_ => Answer(200, """{"a":{"b/c":[1,2],"list":[1, 2],"text":"plain"}}"""));
        Assert.Equal(expected, await HttpTool.Create(Get(server.Url) with { Select = path }).CallAsync());
    }

    [Fact]
    public async Task Select_PartMissing_IsAnErrorOnlyWhereNothingHappened()
    {
        await using var server = new LoopbackServer(_ => Answer(200, "{}"));

        await Assert.ThrowsAsync<ToolException>(() => HttpTool.Create(Get(server.Url) with { Select = "id" }).CallAsync());
        Assert.Equal("The server answered 200 Status200, without 'id': {}", await HttpTool.Create(Post(server.Url) with { Select = "id" }).CallAsync());
    }

    [Fact]
    public async Task Answer_LongerThanTheLimit_IsCut()
    {
        await using var server = new LoopbackServer(_ => Answer(200, new string('x', 100_000), "text/plain"));
        Assert.Equal("xxxxx\n[cut off after 5 bytes]", await HttpTool.Create(Get(server.Url) with { MaxBytes = 5 }).CallAsync());
    }

    [Fact]
    public async Task Answer_NotText_IsOnlyNamed()
    {
        await using var server = new LoopbackServer(_ => Answer(200, "abc", "image/png"));
        Assert.Equal("[3 bytes of image/png]", await HttpTool.Create(Get(server.Url)).CallAsync());
    }

    [Fact]
    public async Task StatusTexts_Status_IsTheResult()
    {
        await using var server = new LoopbackServer(_ => Answer(404, "x"));
        Assert.Equal("No such user.", await HttpTool.Create(Get(server.Url) with { StatusTexts = new Dictionary<int, string> { [404] = "No such user." } }).CallAsync());
    }

    [Theory]
    [InlineData("GET")]
    [InlineData("POST")]
    public async Task Status4xx_Any_IsToldToTheModelWithoutSecrets(string method)
    {
        await using var server = new LoopbackServer(r => Answer(422, $$"""{"error":"bad amount","sent":"{{r.Headers["Authorization"]}}"}"""));
        ToolDefinition tool = HttpTool.Create(WithSecret(Get(server.Url)) with { Method = method });

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("422", error.Message, StringComparison.Ordinal);
        Assert.Contains("bad amount", error.Message, StringComparison.Ordinal);
        Assert.Contains("Bearer ***", error.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(Secret, error.ToString(), StringComparison.Ordinal);
        Assert.Equal($"Bearer {Secret}", server.Last.Headers["Authorization"]);
    }

    [Fact]
    public async Task Answer_WithTheSecret_IsScrubbed()
    {
        await using var server = new LoopbackServer(_ => Answer(200, $"a {Secret} b {Uri.EscapeDataString(Secret)}", "text/plain"));
        Assert.Equal("a *** b ***", await HttpTool.Create(WithSecret(Get(server.Url))).CallAsync());
    }

    [Fact]
    public async Task Secret_Missing_IsSaidAndNothingIsSent()
    {
        await using var server = new LoopbackServer(_ => Answer(200, "x"));
        ToolDefinition tool = HttpTool.Create(WithSecret(Get(server.Url)) with { Secrets = new Secrets([]) });

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("'API_TOKEN'", error.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData(ToolEffect.ReadOnly, typeof(ToolException))]
    [InlineData(ToolEffect.Idempotent, typeof(ToolException))]
    [InlineData(ToolEffect.Unsafe, typeof(HttpRequestException))]
    public async Task Status5xx_Effect_DecidesWhatIsThrown(ToolEffect effect, Type error)
    {
        await using var server = new LoopbackServer(_ => Answer(503, "down"));
        await Assert.ThrowsAsync(error, () => HttpTool.Create(Post(server.Url) with { Effect = effect }).CallAsync());
    }

    [Theory]
    [InlineData(ToolEffect.ReadOnly, null, typeof(ToolException))]
    [InlineData(ToolEffect.Unsafe, null, typeof(HttpRequestException))]
    [InlineData(ToolEffect.ReadOnly, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", typeof(ToolException))]
    [InlineData(ToolEffect.Unsafe, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf", typeof(HttpIOException))]
    [InlineData(ToolEffect.Unsafe, "nonsense", typeof(HttpRequestException))]
    public async Task Connection_BreaksAfterSending_EffectDecidesWhatIsThrown(ToolEffect effect, string? answer, Type error)
    {
        await using var server = new LoopbackServer(_ => answer);

        await Assert.ThrowsAsync(error, () => HttpTool.Create(Post(server.Url) with { Effect = effect }).CallAsync());
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(ToolEffect.ReadOnly, typeof(ToolException))]
    [InlineData(ToolEffect.Unsafe, typeof(TimeoutException))]
    public async Task Server_NeverAnswers_EffectDecidesWhatIsThrown(ToolEffect effect, Type error)
    {
        await using var server = new LoopbackServer(_ => "hang");
        await Assert.ThrowsAsync(error, () => HttpTool.Create(Post(server.Url) with { Effect = effect, Timeout = TimeSpan.FromMilliseconds(200) }).CallAsync());
    }

    [Fact]
    public async Task Cancellation_OfTheRun_IsNotWrapped()
    {
        using var cancel = new CancellationTokenSource();
        await using var server = new LoopbackServer(_ => { cancel.Cancel(); return "hang"; });
        ToolDefinition tool = HttpTool.Create(Get(server.Url));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await tool.Handler(Context(), JsonElement.Parse("{}"), cancel.Token));
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("https://127.0.0.1:{1}/")]
    public async Task Connection_NeverStands_IsToldToTheModelEvenIfUnsafe(string url)
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        int port = ((IPEndPoint)taken.LocalEndpoint).Port;
        taken.Stop();
        await using var plain = new LoopbackServer(_ => "this is not TLS", listens: false);

        await Assert.ThrowsAsync<ToolException>(() => HttpTool.Create(Post(string.Format(url, port, plain.Port))).CallAsync());
    }

    [Theory]
    [InlineData("http://127.0.0.1:{0}/")]
    [InlineData("http://localhost:{0}/")]
    [InlineData("http://[::1]:{0}/")]
    [InlineData("http://[::ffff:127.0.0.1]:{0}/")]
    [InlineData("http://2130706433:{0}/")]
    [InlineData("http://169.254.169.254/latest/meta-data")]
    public async Task PrivateNetwork_Default_IsRefusedWithoutConnecting(string url)
    {
        await using var server = new LoopbackServer(_ => Answer(200, "x"));
        ToolDefinition tool = HttpTool.Create(Post(string.Format(url, server.Port)) with { AllowPrivateNetworks = false });

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("not on the public Internet", error.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task Redirect_Default_IsNotFollowed()
    {
        await using var server = new LoopbackServer(_ => Answer(302, "", headers: "Location: /elsewhere\r\n"));

        await Assert.ThrowsAsync<ToolException>(() => HttpTool.Create(Get(server.Url)).CallAsync());
        Assert.Contains("not followed", await HttpTool.Create(Post(server.Url)).CallAsync(), StringComparison.Ordinal);
        Assert.Equal(2, server.Requests.Count);
    }

    [Fact]
    public async Task Redirect_ToTheSameOrigin_KeepsTheSecret()
    {
        await using var server = new LoopbackServer(r => r.Target == "/" ? Answer(302, "", headers: "Location: /elsewhere\r\n") : Answer(200, "there", "text/plain"));

        Assert.Equal("there", await HttpTool.Create(WithSecret(Get(server.Url + "/")) with { FollowRedirects = true }).CallAsync());
        Assert.Equal($"Bearer {Secret}", server.Last.Headers["Authorization"]);
    }

    [Fact]
    public async Task Redirect_ToAnotherOrigin_LosesTheSecretForGood()
    {
        LoopbackServer? first = null;
        await using var other = new LoopbackServer(r => r.Target == "/end" ? Answer(200, "there", "text/plain") : Answer(302, "", headers: $"Location: {first!.Url}/back\r\n"));
        await using var server = first = new LoopbackServer(r => Answer(302, "", headers: $"Location: {other.Url}/{(r.Target == "/back" ? "end" : "")}\r\n"));

        Assert.Equal("there", await HttpTool.Create(WithSecret(Get(server.Url + "/")) with { FollowRedirects = true }).CallAsync());
        Assert.Equal(["/", "/back"], server.Requests.Select(r => r.Target));
        Assert.All(other.Requests, r => Assert.DoesNotContain("Authorization", r.Headers.Keys));
        Assert.DoesNotContain("Authorization", server.Last.Headers.Keys);
    }

    [Fact]
    public async Task Redirect_WithoutEnd_StopsAfterFive()
    {
        await using var server = new LoopbackServer(_ => Answer(302, "", headers: "Location: /again\r\n"));

        await Assert.ThrowsAsync<ToolException>(() => HttpTool.Create(Get(server.Url) with { FollowRedirects = true }).CallAsync());
        Assert.Equal(6, server.Requests.Count);
    }

    [Theory]
    [InlineData("http://localhost:1/")]
    [InlineData("ftp://127.0.0.1/")]
    [InlineData("http://user:pass@127.0.0.1/")]
    public async Task Redirect_ToWhereItMayNot_IsNotFollowed(string location)
    {
        await using var server = new LoopbackServer(_ => Answer(302, "", headers: $"Location: {location}\r\n"));
        ToolDefinition tool = HttpTool.Create(Get(server.Url) with { FollowRedirects = true, AllowedHosts = ["127.0.0.1"] });

        var error = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("not followed", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(303, "GET", "")]
    [InlineData(307, "POST", "{\"a\":\"x\"}")]
    public async Task Redirect_OfAPost_KeepsOrDropsTheBodyByItsStatus(int status, string method, string body)
    {
        await using var server = new LoopbackServer(r => r.Target == "/" ? Answer(status, "", headers: "Location: /next\r\n") : Answer(200, "done", "text/plain"));
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/") with { FollowRedirects = true, JsonBody = true, Parameters = [new("a")] });

        Assert.Equal("done", await tool.CallAsync("""{"a":"x"}"""));
        Assert.Equal((method, body), (server.Last.Method, server.Last.Body));
    }

    [Theory]
    [InlineData(404, "x", EffectOutcome.DidNotHappen)]
    [InlineData(200, """{"items":[{"id":1}]}""", EffectOutcome.Happened)]
    [InlineData(200, """{"items":[]}""", EffectOutcome.DidNotHappen)]
    [InlineData(200, """{}""", EffectOutcome.DidNotHappen)]
    [InlineData(500, "x", EffectOutcome.Unknown)]
    [InlineData(401, "x", EffectOutcome.Unknown)]
    public async Task Probe_Answer_SaysWhetherItHappened(int status, string body, EffectOutcome expected)
    {
        await using var server = new LoopbackServer(_ => Answer(status, body));
        ToolDefinition tool = HttpTool.Create(Post(server.Url) with { Probe = new() { Url = server.Url + "/by-key/{idempotency_key}", Select = "items" } });

        ProbeResult result = await tool.ProbeAsync();
        Assert.Equal(expected, result.Outcome);
        Assert.Equal(("GET", "/by-key/key-1"), (server.Last.Method, server.Last.Target));
        Assert.Equal(expected == EffectOutcome.Happened ? """[{"id":1}]""" : null, result.Result);
    }

    [Theory]
    [InlineData("https://{host}/x")]
    [InlineData("https://api.{tenant}.example.com/x")]
    [InlineData("https://example.com:{tenant}/")]
    [InlineData("/relative")]
    [InlineData("ftp://example.com/")]
    [InlineData("https://user@example.com/")]
    [InlineData("https://example.com/{unknown}")]
    [InlineData("https://example.com/?k=${secret:API_TOKEN}")]
    [InlineData("https://example.com/{open")]
    [InlineData("https://example.com/#x")]
    public void Create_Url_MustBeSafe(string url) => Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(url)));

    [Fact]
    public void Create_Contradiction_IsRefused()
    {
        const string Url = "https://example.com/";
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url) with { Parameters = [new("unused")] }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url) with { JsonBody = true }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url) with { Method = "TRACE" }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url + "{id}") with { Parameters = [new("id") { Required = false }] }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url) with { AllowedHosts = ["*.example.com"] }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url) with { Headers = new Dictionary<string, string> { ["Host"] = "x" } }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Get(Url + "?q={q}") with { Parameters = [new("q")], Headers = new Dictionary<string, string> { ["X-Q"] = "{q}" } }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Post(Url) with { Effect = ToolEffect.Idempotent, IdempotencyHeader = null }));
        Assert.Throws<ArgumentException>(() => HttpTool.Create(Post(Url) with { Probe = new() { Url = Url } }));
    }

    [Fact]
    public void Scrubber_Secrets_AreTakenOutLongestFirst()
    {
        var scrubber = new SecretScrubber(["abcdef", "abcdefgh", "short", "with \"quote"]);
        Assert.Equal("*** *** short ***", scrubber.Scrub("abcdefgh abcdef short with \\u0022quote"));
    }

    private static HttpToolOptions Get(string url) => new() { Name = "http", Description = "Asks.", Url = url, AllowPrivateNetworks = true };

    private static HttpToolOptions Post(string url) => Get(url) with { Method = "POST" };

    private static HttpToolOptions WithSecret(HttpToolOptions options) => options with
    {
        Headers = new Dictionary<string, string> { ["Authorization"] = "Bearer ${secret:API_TOKEN}" },
        Secrets = new Secrets(new() { ["API_TOKEN"] = Secret }),
    };

    private sealed class Secrets(Dictionary<string, string> values) : ISecretSource
    {
        public string? Find(string name) => values.GetValueOrDefault(name);
    }
}
