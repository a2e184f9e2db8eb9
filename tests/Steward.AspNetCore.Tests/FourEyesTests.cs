using System.Net;
using System.Text.Json;
using Steward.Journal;
using Steward.State;

namespace Steward.AspNetCore.Tests;

/// <summary>Under a policy of four eyes whoever started a run may deny its calls, and not approve them.</summary>
public sealed class FourEyesTests : IAsyncLifetime
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
    public async Task Approve_ByTheStarter_Is403AndBySomebodyElseCounts()
    {
        (string run, string approval) = await _server.AskAsync("guarded");
        (await DecideAsync(approval, "acme-app", "approve")).Is(HttpStatusCode.Forbidden, "four_eyes", "acme-app");
        Assert.Empty(_server.Agents.Paid);

        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(approval, "acme-boss", "approve")).Status);
        Assert.Equal("completed", (await _server.SettledAsync(run)).GetProperty("status").GetString());
        Assert.Equal("acme-app", (await RunJournal.LoadAsync(_server.Store, RunId.Parse(run), ApiServer.Token)).Started.By);
    }

    [Fact]
    public async Task Approve_ByTheUserOfTheRun_Is403()
    {
        ApiAnswer started = await _server.SendAsync("POST", "/v1/runs", body: """{"agent":"guarded","input":"Pay","user":"ACME-Boss"}""");
        JsonElement asked = await _server.SettledAsync(started.Json.GetProperty("run").GetString()!);
        string approval = asked.GetProperty("questions")[0].GetProperty("id").GetString()!;

        (await DecideAsync(approval, "acme-boss", "approve")).Is(HttpStatusCode.Forbidden, "four_eyes");
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(approval, "acme-cfo", "approve")).Status);
    }

    [Fact]
    public async Task Deny_ByTheStarter_Counts()
    {
        (_, string approval) = await _server.AskAsync("guarded");
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(approval, "acme-app", "deny")).Status);
    }

    private Task<ApiAnswer> DecideAsync(string approval, string who, string answer) =>
        _server.SendAsync("POST", $"/v1/approvals/{approval}/decision", who, $$"""{"answer":"{{answer}}"}""");
}
