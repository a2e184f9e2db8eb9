using System.Net;
using System.Text.Json;

namespace Steward.AspNetCore.Tests;

/// <summary>The inbox and decisions over HTTP.</summary>
public sealed class ApprovalTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ApiServer.StartAsync(_database);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task Approve_ByAKeyWithTheRole_AndTheSecondIsToldWhoWasFirst()
    {
        (string run, string approval) = await _server.AskAsync();
        JsonElement listed = Assert.Single((await _server.SendAsync("GET", "/v1/approvals")).Json.GetProperty("approvals").EnumerateArray());
        Assert.Equal((approval, run, "approve-1.0", "pay", 500), (Text(listed, "id"), Text(listed, "run"), Text(listed, "question"), Text(listed, "tool"), listed.GetProperty("arguments").GetProperty("amount").GetInt32()));
        Assert.Equal("open", Text((await _server.SendAsync("GET", $"/v1/approvals/{approval}")).Json, "status"));

        (await DecideAsync(approval, "acme-app", """{"answer":"approve"}""")).Is(HttpStatusCode.Forbidden, "not_allowed", "finance");
        ApiAnswer approved = await DecideAsync(approval, "acme-boss", """{"answer":"approve","note":"Fine","key":"d1"}""");
        Assert.Equal((HttpStatusCode.OK, "accepted", "acme-boss"), (approved.Status, Text(approved.Json, "status"), Text(approved.Json, "by")));
        Assert.Equal("duplicate", Text((await DecideAsync(approval, "acme-boss", """{"answer":"approve","note":"Fine","key":"d1"}""")).Json, "status"));
        JsonElement refused = (await DecideAsync(approval, "acme-cfo", """{"answer":"deny"}""")).Is(HttpStatusCode.Conflict, "already_decided", "acme-boss was first");
        Assert.Equal("acme-boss", Text(refused.GetProperty("approval").GetProperty("votes")[0], "by"));

        Assert.Equal("Paid.", Text(await _server.SettledAsync(run), "output"));
        Assert.Equal("""{"amount":500}""", Assert.Single(_server.Agents.Paid));
        Assert.Empty((await _server.SendAsync("GET", "/v1/approvals")).Json.GetProperty("approvals").EnumerateArray());
    }

    [Fact]
    public async Task Deny_TheModelReadsTheReason()
    {
        (string run, string approval) = await _server.AskAsync();
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(approval, "acme-boss", """{"answer":"deny","note":"Too dear"}""")).Status);
        await _server.SettledAsync(run);
        Assert.Empty(_server.Agents.Paid);
        Assert.Contains("Too dear", (await _server.SendAsync("GET", $"/v1/runs/{run}/events")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approve_WithEditedArguments_RunsThose()
    {
        (string run, string approval) = await _server.AskAsync();
        (await DecideAsync(approval, "acme-boss", """{"answer":"approve","arguments":{"amount":0}}""")).Is(HttpStatusCode.UnprocessableEntity, "refused", "amount");
        (await DecideAsync(approval, "acme-boss", """{"answer":"approve","arguments":[5]}""")).Is(HttpStatusCode.BadRequest, "invalid_request", "'arguments'");
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(approval, "acme-boss", """{"answer":"approve","arguments":{"amount":5}}""")).Status);
        await _server.SettledAsync(run);
        Assert.Equal("""{"amount":5}""", Assert.Single(_server.Agents.Paid));
    }

    [Fact]
    public async Task Approve_OfSomethingElseThanWasSeen_Answers409()
    {
        (_, string approval) = await _server.AskAsync();
        (await DecideAsync(approval, "acme-boss", """{"answer":"approve","binding":"0000"}""")).Is(HttpStatusCode.Conflict, "changed");
        string binding = Text((await _server.SendAsync("GET", $"/v1/approvals/{approval}")).Json, "binding")!;
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(approval, "acme-boss", $$"""{"answer":"approve","binding":"{{binding}}"}""")).Status);
    }

    [Fact]
    public async Task Quorum_IsCountedByName()
    {
        (string run, string approval) = await _server.AskAsync("pair");
        ApiAnswer first = await DecideAsync(approval, "acme-app", """{"answer":"approve"}""");
        Assert.Equal(("counted", 1), (Text(first.Json, "status"), first.Json.GetProperty("missing").GetInt32()));
        (await DecideAsync(approval, "acme-app", """{"answer":"approve"}""")).Is(HttpStatusCode.Conflict, "already_voted", "1 more of 2");
        Assert.Equal("accepted", Text((await DecideAsync(approval, "acme-boss", """{"answer":"approve"}""")).Json, "status"));
        await _server.SettledAsync(run);
        Assert.Single(_server.Agents.Paid);
    }

    [Fact]
    public async Task Question_IsAnsweredWithAReply()
    {
        (string run, string question) = await _server.AskAsync("asker");
        (await DecideAsync(question, "acme-app", """{"answer":"approve"}""")).Is(HttpStatusCode.UnprocessableEntity, "not_an_answer", "user_input");
        (await DecideAsync(question, "acme-app", """{"answer":"yes"}""")).Is(HttpStatusCode.BadRequest, "invalid_request", "approve");
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(question, "acme-app", """{"answer":"reply","result":"Blue"}""")).Status);
        Assert.Equal("Thank you.", Text(await _server.SettledAsync(run), "output"));
        Assert.Contains("Blue", (await _server.SendAsync("GET", $"/v1/runs/{run}/events")).Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Decision_OfACancelledRun_Answers409()
    {
        (string run, string approval) = await _server.AskAsync();
        await _server.SendAsync("POST", $"/v1/runs/{run}/cancel");
        await _server.SeesAsync(run, "run.cancelled");
        (await DecideAsync(approval, "acme-boss", """{"answer":"approve"}""")).Is(HttpStatusCode.Conflict, "withdrawn");
        (await DecideAsync($"{run}.approve-9.9", "acme-boss", """{"answer":"approve"}""")).Is(HttpStatusCode.NotFound, "unknown_approval");
        (await DecideAsync("last", "acme-boss", """{"answer":"approve"}""")).Is(HttpStatusCode.NotFound, "unknown_approval");
    }

    private static string? Text(JsonElement element, string name) => element.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;

    private Task<ApiAnswer> DecideAsync(string id, string who, string body) => _server.SendAsync("POST", $"/v1/approvals/{id}/decision", who, body);
}
