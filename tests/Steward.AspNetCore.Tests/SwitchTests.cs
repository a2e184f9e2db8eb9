using System.Net;
using System.Text.Json;

namespace Steward.AspNetCore.Tests;

/// <summary>Kill switches over HTTP.</summary>
public sealed class SwitchTests : IAsyncLifetime
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
    public async Task Administrator_EngagesAndReleases()
    {
        string run = await _server.RunAsync("looker");
        await _server.SeesAsync(run, "tool.started");
        (await _server.SendAsync("PUT", "/v1/kill-switches/tenant:acme", "acme-app", "{}")).Is(HttpStatusCode.Forbidden, "not_an_administrator", "'administrator'");
        Assert.True((await _server.SendAsync("PUT", "/v1/kill-switches/tenant:acme", "acme-admin", """{"reason":"Too keen"}""")).Json.GetProperty("changed").GetBoolean());
        Assert.False((await _server.SendAsync("PUT", "/v1/kill-switches/tenant:acme", "acme-admin", "{}")).Json.GetProperty("changed").GetBoolean());
        JsonElement engaged = Assert.Single((await _server.SendAsync("GET", "/v1/kill-switches", "acme-admin")).Json.GetProperty("switches").EnumerateArray());
        Assert.Equal(("tenant:acme", "acme-admin", "Too keen"), (engaged.GetProperty("scope").GetString(), engaged.GetProperty("by").GetString(), engaged.GetProperty("reason").GetString()));

        _server.Agents.Gate.SetResult();
        Assert.True((await _server.SendAsync("DELETE", "/v1/kill-switches/tenant:acme", "acme-admin")).Json.GetProperty("changed").GetBoolean());
        Assert.Equal("completed", (await _server.SettledAsync(run)).GetProperty("status").GetString());
    }

    [Fact]
    public async Task Engage_WhatNobodyKnows_IsEngagedWithAWarningThatTellsATenantNothingOfOthers()
    {
        await _server.RunAsync("looker");
        JsonElement unknown = (await _server.SendAsync("PUT", "/v1/kill-switches/agent:lokker", "root", "{}")).Json;
        Assert.True(unknown.GetProperty("changed").GetBoolean());
        Assert.Contains("Did you mean 'looker'?", Assert.Single(unknown.GetProperty("warnings").EnumerateArray()).GetString(), StringComparison.Ordinal);
        JsonElement known = (await _server.SendAsync("PUT", "/v1/kill-switches/agent:looker", "root", "{}")).Json;
        Assert.Empty(known.GetProperty("warnings").EnumerateArray());
        Assert.Equal(2, (await _server.SendAsync("GET", "/v1/kill-switches", "root")).Json.GetProperty("switches").GetArrayLength());
        // Nothing has run for beta, and its administrator hears of no other tenant.
        JsonElement own = (await _server.SendAsync("PUT", "/v1/kill-switches/tenant:beta", "beta-admin", "{}")).Json;
        Assert.Empty(own.GetProperty("warnings").EnumerateArray());
    }

    [Fact]
    public async Task Administrator_OfAllTenants_HasTheGlobalOneToo()
    {
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("PUT", "/v1/kill-switches/global", "root", "{}")).Status);
        Assert.Empty((await _server.SendAsync("GET", "/v1/kill-switches", "acme-admin")).Json.GetProperty("switches").EnumerateArray());
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("DELETE", "/v1/kill-switches/global", "root")).Status);
        (await _server.SendAsync("PUT", "/v1/kill-switches/everything", "root", "{}")).Is(HttpStatusCode.BadRequest, "invalid_request", "'everything'");
        (await _server.SendAsync("GET", "/v1/kill-switches", "acme-app")).Is(HttpStatusCode.Forbidden, "not_an_administrator");
    }
}
