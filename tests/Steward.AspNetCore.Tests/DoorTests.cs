using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Steward.Journal;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.AspNetCore.Tests;

/// <summary>Hostile bodies: each is refused with 400 and the name of its field, and leaves no run behind.</summary>
public sealed class DoorTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ApiServer.StartAsync(_database);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Theory]
    [InlineData("""{"agent":"helper","input":[{"is":"data","mediaType":"x\nerror: forged","data":"AAAA"}]}""", "input[0].mediaType")]
    [InlineData("""{"agent":"helper","input":"\ud800"}""", "input")]
    [InlineData("""{"agent":"helper","input":"x","session":"a\u0000b"}""", "session")]
    [InlineData("""{"agent":"helper","input":[{"is":"text","text":"\udc00"}]}""", "input[0].text")]
    [InlineData("""{"agent":"helper","input":[{"is":"uri","mediaType":"nothing","uri":"https://example.com/"}]}""", "input[0].mediaType")]
    [InlineData("""{"agent":"helper","input":"x","user":"\ud83d"}""", "user")]
    [InlineData("""{"agent":"helper","input":"x","user":"a\nb"}""", "user")]
    [InlineData("""{"agent":"helper","input":"x","labels":{"a":"\ud83d"}}""", "labels.a")]
    [InlineData("""{"agent":"helper","input":"x","key":"\u0000"}""", "key")]
    [InlineData("""{"agent":"helper","input":"x","\ud800":1}""", "body")]
    [InlineData("""{"agent":"helper","input":"x","input":"y"}""", "body")]
    public async Task Start_HostileBody_Is400WithItsField(string body, string field)
    {
        JsonElement problem = (await _server.SendAsync("POST", "/v1/runs", body: body)).Is(HttpStatusCode.BadRequest, "invalid_request");

        Assert.Equal(field, problem.GetProperty("field").GetString());
        Assert.DoesNotContain('\n', problem.GetProperty("detail").GetString()!);
        Assert.Empty(await _server.Store.FindAsync(new RunQuery(), ApiServer.Token));
    }

    [Fact]
    public async Task Start_InvalidUtf8_Is400WithItsField()
    {
        using HttpRequestMessage request = ApiServer.Request("POST", "/v1/runs", "acme-app");
        request.Content = new ByteArrayContent([.. """{"agent":"helper","input":"a"""u8, 0xFF, 0xFE, .. "\"}"u8]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        ApiAnswer answer = await _server.SendAsync(request);
        Assert.Equal("input", answer.Is(HttpStatusCode.BadRequest, "invalid_request").GetProperty("field").GetString());
    }

    /// <summary>The inputs that went wrong when they were tried, as they were sent; those about tools are tried there.</summary>
    [Theory]
    [InlineData("poison-media-type.json", "input[0].mediaType")]
    [InlineData("lone-surrogate.json", "input")]
    [InlineData("nul-session-postgres.json", "session")]
    public async Task Start_HostileFile_Is400WithItsField(string file, string field)
    {
        string body = await File.ReadAllTextAsync(Path.Combine(TestData.Require("hostile/http-api"), file), ApiServer.Token);
        ApiAnswer answer = await _server.SendAsync("POST", "/v1/runs", body: body.Replace("\"evil\"", "\"helper\"", StringComparison.Ordinal));
        Assert.Equal(field, answer.Is(HttpStatusCode.BadRequest, "invalid_request").GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("messages", """{"text":"\ud800"}""", "text")]
    [InlineData("messages", """{"text":"a","key":"\u0000"}""", "key")]
    [InlineData("cancel", """{"reason":"\u0000"}""", "reason")]
    [InlineData("signals", """{"name":"a\u0007"}""", "name")]
    [InlineData("signals", """{"name":"a","payload":{"b":["\udfff"]}}""", "payload.b[0]")]
    [InlineData("feedback", """{"comment":"\u0000"}""", "comment")]
    public async Task Signal_HostileBody_Is400WithItsField(string what, string body, string field)
    {
        string run = await _server.RunAsync("looker");
        ApiAnswer answer = await _server.SendAsync("POST", $"/v1/runs/{run}/{what}", body: body);
        Assert.Equal(field, answer.Is(HttpStatusCode.BadRequest, "invalid_request").GetProperty("field").GetString());
    }

    [Theory]
    [InlineData("/v1/runs?session=a%00b")]
    [InlineData("/v1/runs?agent=a%00b")]
    public async Task Query_WithNul_Is400(string path) => (await _server.SendAsync("GET", path)).Is(HttpStatusCode.BadRequest, "invalid_request");

    [Fact]
    public async Task Decision_ArgumentsTooDeep_Is400AndTheApprovalIsStillListed()
    {
        (_, string approval) = await _server.AskAsync();
        string deep = new string('[', 47) + new string(']', 47);
        (await _server.SendAsync("POST", $"/v1/approvals/{approval}/decision", "acme-boss", $$$"""{"answer":"approve","arguments":{"amount":{{{deep}}}}}"""))
            .Is(HttpStatusCode.BadRequest, "invalid_request", "levels deep");
        Assert.Single((await _server.SendAsync("GET", "/v1/approvals")).Json.GetProperty("approvals").EnumerateArray());
    }
}
