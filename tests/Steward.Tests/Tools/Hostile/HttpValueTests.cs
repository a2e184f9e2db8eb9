using System.Text.Json;
using Steward.Journal;
using Steward.Tools;
using Steward.Tools.Declarative;
using static Steward.Tests.Tools.LoopbackServer;
using static Steward.Tests.Tools.ToolContexts;

namespace Steward.Tests.Tools.Hostile;

/// <summary>What callers, models and servers say to declared HTTP tools in bad faith.</summary>
public sealed class HttpValueTests
{
    [Theory]
    [InlineData("${secret:KEY}")]
    [InlineData("{tenant}")]
    [InlineData("${secret:{tenant}}")]
    [InlineData("{user}{user}")]
    public async Task Value_ThatLooksLikeATemplate_IsSentAsItIs(string user)
    {
        await using var server = new LoopbackServer(_ => Answer(200, "{}"));
        ToolDefinition tool = HttpTool.Create(Get(server.Url + "/x?u={user}") with
        {
            Headers = new Dictionary<string, string> { ["X-User"] = "u={user};t={tenant}", ["X-Api-Key"] = "${secret:KEY}" },
            Secrets = new Fixed("s3cr3t-value"),
        });

        await tool.CallAsync(context: Context(user: user));

        Assert.Equal($"u={user};t=acme", server.Last.Headers["X-User"]);
        Assert.Equal("s3cr3t-value", server.Last.Headers["X-Api-Key"]);
        Assert.Equal($"/x?u={Uri.EscapeDataString(user)}", server.Last.Target);
    }

    [Fact]
    public async Task Redirect_ToAnotherOrigin_TakesNoCredentialAndKeepsTheRest()
    {
        await using var other = new LoopbackServer(_ => Answer(200, "{}"));
        await using var first = new LoopbackServer(_ => Answer(302, "", headers: $"Location: {other.Url}/stolen\r\n"));
        ToolDefinition tool = HttpTool.Create(Get(first.Url + "/x") with
        {
            FollowRedirects = true,
            Headers = new Dictionary<string, string>
            {
                ["X-User"] = "{user}",
                ["X-Part"] = "v1 ${secret:KEY} {user}",
                ["Authorization"] = "Basic d3JpdHRlbi1vdXQ=",
            },
            Secrets = new Fixed("s3cr3t-value"),
        });

        await tool.CallAsync(context: Context(user: "${secret:KEY}"));

        Assert.Equal("${secret:KEY}", other.Last.Headers["X-User"]);
        Assert.Equal("v1 s3cr3t-value ${secret:KEY}", first.Last.Headers["X-Part"]);
        Assert.DoesNotContain("X-Part", other.Last.Headers.Keys);
        Assert.DoesNotContain("Authorization", other.Last.Headers.Keys);
    }

    [Fact]
    public async Task Header_NameInAnotherScript_IsSentAsUtf8()
    {
        byte[]? seen = null;
        await using var server = new LoopbackServer(r => { seen = [.. r.Headers["X-User"].Select(c => (byte)c)]; return Answer(200, "{}"); });
        ToolDefinition tool = HttpTool.Create(Get(server.Url + "/x") with { Headers = new Dictionary<string, string> { ["X-User"] = "{user}" } });

        Assert.Equal("{}", await tool.CallAsync(context: Context(user: "José 你好")));

        Assert.Equal("José 你好"u8.Length, seen!.Length);
    }

    [Theory]
    [InlineData("a\r\nX-Evil: 1")]
    [InlineData("a\u0000b")]
    [InlineData("LONE SURROGATE")]
    public async Task Header_ThatCannotStandInOne_IsRefusedBeforeConnecting(string user)
    {
        await using var server = new LoopbackServer(_ => Answer(200, "{}"));
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/x") with { Headers = new Dictionary<string, string> { ["X-User"] = "{user}" } });

        await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync(context: Context(user: user == "LONE SURROGATE" ? "a\ud800b" : user)));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("../admin")]
    [InlineData("a/../../admin")]
    [InlineData("..\\\\admin")]
    [InlineData("a\\\\b")]
    [InlineData("%2e%2e/admin")]
    [InlineData("%252e%252e%252fadmin")]
    [InlineData("..;x/admin")]
    [InlineData("a/./b")]
    [InlineData("%25252525252541")]
    [InlineData("a\\u0000b")]
    public async Task PathValue_ThatMovesOrDeceives_IsRefused(string id)
    {
        await using var server = new LoopbackServer(_ => Answer(200, "x"));
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/users/{id}/x") with { Parameters = [new("id")] });

        await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync($$"""{"id":"{{id}}"}"""));
        Assert.Empty(server.Requests);
    }

    [Theory]
    [InlineData("a..b", "/users/a..b/x")]
    [InlineData("100%", "/users/100%25/x")]
    [InlineData("...", "/users/.../x")]
    public async Task PathValue_WithHarmlessDots_IsSent(string id, string target)
    {
        await using var server = new LoopbackServer(_ => Answer(200, "x"));
        ToolDefinition tool = HttpTool.Create(Get(server.Url + "/users/{id}/x") with { Parameters = [new("id")] });

        await tool.CallAsync($$"""{"id":"{{id}}"}""");
        Assert.Equal(target, server.Last.Target);
    }

    [Theory]
    [InlineData("Content-Type: text/plain; charset=utf-7\r\n")]
    [InlineData("Content-Type: text/plain; charset=no-such-thing\r\n")]
    [InlineData("Content-Type: ;;;\r\n")]
    public async Task Answer_OddHeaders_IsTheResult(string headers)
    {
        await using var server = new LoopbackServer(_ => $"HTTP/1.1 200 OK\r\n{headers}Content-Length: 2\r\nConnection: close\r\n\r\nok");
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/x"));

        Assert.Equal("ok", await tool.CallAsync());
    }

    [Theory]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: http://[::1\r\nContent-Length: 0\r\n\r\n")]
    [InlineData("HTTP/1.1 302 Found\r\nLocation: //\r\nContent-Length: 0\r\n\r\n")]
    public async Task Answer_RedirectToNowhere_IsAResultNotAnUnknownOutcome(string answer)
    {
        await using var server = new LoopbackServer(_ => answer);
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/x") with { FollowRedirects = true });

        Assert.Contains("302", await tool.CallAsync(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("HTTP/1.1 200 OK\r\nno colon here\r\n\r\n")]
    [InlineData("HTTP/1.1 2x0 OK\r\n\r\n")]
    [InlineData("HUGE")]
    public async Task Answer_HeadersThatAreNone_AreAFailedCall(string answer)
    {
        string sent = answer == "HUGE" ? $"HTTP/1.1 200 OK\r\nX: {new string('a', 100_000)}\r\n\r\n" : answer;
        await using var server = new LoopbackServer(_ => sent);
        ToolDefinition tool = HttpTool.Create(Post(server.Url + "/x"));

        ToolException e = await Assert.ThrowsAsync<ToolException>(() => tool.CallAsync());
        Assert.Contains("answered", e.Message, StringComparison.Ordinal);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task Answer_AnImage_IsContentForTheModel()
    {
        await using var server = new LoopbackServer(_ => Answer(200, "GIF89a", "image/gif"));
        ToolDefinition tool = HttpTool.Create(Get(server.Url + "/x"));

        ToolOutput output = await tool.Handler(Context(), JsonElement.Parse("{}"), TestContext.Current.CancellationToken);

        Assert.Equal("[6 bytes of image/gif]", output.Text);
        Assert.Equal("GIF89a"u8.ToArray(), Assert.IsType<DataPart>(Assert.Single(output.Content!)).Data);
    }

    private static HttpToolOptions Get(string url) =>
        new() { Name = "t", Description = "x", Url = url, AllowPrivateNetworks = true };

    private static HttpToolOptions Post(string url) => Get(url) with { Method = "POST" };

    private sealed class Fixed(string value) : ISecretSource
    {
        public string? Find(string name) => value;
    }
}
