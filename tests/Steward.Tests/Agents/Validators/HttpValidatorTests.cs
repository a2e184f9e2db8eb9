using System.Text.Json;
using Steward.Agents;
using Steward.Journal;
using Steward.Tests.Tools;
using Steward.Tools.Declarative;
using static Steward.Tests.Agents.Validators.Validation;
using static Steward.Tests.Tools.LoopbackServer;

namespace Steward.Tests.Agents.Validators;

public sealed class HttpValidatorTests
{
    [Theory]
    [InlineData(200, """{"order":{"status":"sent","lines":[1,2]}}""", Verdict.Passed)]
    [InlineData(200, """{"order":{"status":"open"}}""", Verdict.Failed)]
    [InlineData(200, """{}""", Verdict.Failed)]
    [InlineData(200, "not json", Verdict.Failed)]
    [InlineData(404, """{"error":"none"}""", Verdict.Failed)]
    public async Task Answer_DecidesTheVerdict(int status, string body, Verdict verdict)
    {
        await using var server = new LoopbackServer(_ => Answer(status, body));
        var validator = new HttpValidator(new HttpValidatorOptions { Name = "sent", Request = Get($"{server.Url}/orders/7"), Path = "$.order.status", Expected = JsonElement.Parse("\"sent\"") });

        Finding finding = await validator.LookAsync("");

        Assert.Equal(verdict, finding.Verdict);
        Assert.StartsWith($"GET {server.Url}/orders/7 ", finding.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_EachIsAskedFor()
    {
        await using var server = new LoopbackServer(r => Answer(200, r.Target.EndsWith("/2", StringComparison.Ordinal) ? """{"sent":false}""" : """{"sent":true}"""));
        var validator = new HttpValidator(new HttpValidatorOptions
        {
            Name = "sent",
            Request = Get($"{server.Url}/mails/{{id}}") with { Parameters = [new ToolParameter("id", ToolParameterType.Integer)] },
            ForEachCallOf = "send",
            Path = "sent",
            Expected = JsonElement.Parse("true"),
        });

        Assert.Equal(Verdict.Failed, (await validator.LookAsync("")).Verdict);
        Assert.Equal(Verdict.Passed, (await validator.LookAsync("", Call("send", """{"id":1}"""))).Verdict);
        Assert.Equal(Verdict.Failed, (await validator.LookAsync("", Call("send", """{"id":1}"""), Call("send", """{"id":2}""", turn: 2))).Verdict);
    }

    [Fact]
    public async Task Service_ThatCannotBeReached_IsInconclusive()
    {
        await using var server = new LoopbackServer(_ => null);
        var validator = new HttpValidator(new HttpValidatorOptions { Name = "sent", Request = Get(server.Url) });
        Assert.Equal(Verdict.Inconclusive, (await validator.LookAsync("")).Verdict);
    }

    [Fact]
    public void Request_ThatWrites_IsRefused() => Assert.Throws<ArgumentException>(() =>
        new HttpValidator(new HttpValidatorOptions { Name = "sent", Request = Get("https://example.com") with { Method = "POST" } }));

    [Theory]
    [InlineData("""{"a":{"b":[{"c":1}]}}""", "$.a.b[0].c", "1", Verdict.Passed)]
    [InlineData("""{"a":{"b":[{"c":1}]}}""", "/a/b/0/c", "1", Verdict.Passed)]
    [InlineData("""{"a":{"b":[{"c":1,"d":2}]}}""", "$.a.b[0]", """{"c":1}""", Verdict.Passed)]
    [InlineData("""{"a":{"b":[{"c":1}]}}""", "$.a['b'][0].c", null, Verdict.Passed)]
    [InlineData("""{"a":null}""", "$.a", null, Verdict.Failed)]
    [InlineData("""{"a":1}""", "$.a", "2", Verdict.Failed)]
    [InlineData("nothing", "$.a", "2", Verdict.Failed)]
    public async Task AnswerPath_DecidesTheVerdict(string answer, string path, string? expected, Verdict verdict)
    {
        var validator = new AnswerPathValidator("path", path, expected is null ? null : JsonElement.Parse(expected));
        Assert.Equal(verdict, (await validator.LookAsync(answer)).Verdict);
    }

    private static HttpToolOptions Get(string url) => new() { Name = "ask", Description = "Asks.", Url = url, AllowPrivateNetworks = true };
}
