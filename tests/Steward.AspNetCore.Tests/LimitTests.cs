using System.Net;
using System.Text.Json;

namespace Steward.AspNetCore.Tests;

/// <summary>One caller, or one tenant, takes only its own share.</summary>
public sealed class LimitTests : IDisposable
{
    private readonly TestDatabase _database = new();

    public void Dispose() => _database.Dispose();

    [Fact]
    public async Task Writes_OverTheCallersLimit_Are429AndOthersGoOn()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false, o => o.PerCaller.WritesPerMinute = 2);
        string run = await server.RunAsync("helper");
        Assert.Equal(HttpStatusCode.Accepted, (await MessageAsync(server, run, "acme-app")).Status);

        ApiAnswer refused = await MessageAsync(server, run, "acme-app");
        JsonElement problem = refused.Is(HttpStatusCode.TooManyRequests, "too_many_requests", "writes_per_minute");
        Assert.Equal(("caller", "writes_per_minute", 2), (problem.GetProperty("scope").GetString(), problem.GetProperty("limit").GetString(), problem.GetProperty("most").GetInt32()));
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(30));
        (await server.SendAsync("POST", $"/v1/runs/{run}/feedback", body: """{"score":1}""")).Is(HttpStatusCode.TooManyRequests, "too_many_requests");

        // Reading, stopping, and everybody else are not held up.
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", $"/v1/runs/{run}")).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await MessageAsync(server, run, "acme-boss")).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await server.SendAsync("POST", $"/v1/runs/{run}/cancel")).Status);
    }

    [Fact]
    public async Task Writes_OverTheTenantsLimit_Are429ForItsCallersAndNoOther()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false, o => o.PerTenant.WritesPerMinute = 2);
        string run = await server.RunAsync("helper");
        await MessageAsync(server, run, "acme-boss");

        Assert.Equal("tenant", (await MessageAsync(server, run, "acme-cfo")).Is(HttpStatusCode.TooManyRequests, "too_many_requests").GetProperty("scope").GetString());
        await server.RunAsync("helper", "beta-app");
    }

    [Fact]
    public async Task Requests_OverTheCallersLimit_Are429AndAKillSwitchStillWorks()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false, o => o.PerCaller.RequestsPerMinute = 3);
        for (int i = 0; i < 3; i++)
            await server.SendAsync("GET", "/v1/runs", "acme-admin");

        (await server.SendAsync("GET", "/v1/runs", "acme-admin")).Is(HttpStatusCode.TooManyRequests, "too_many_requests", "requests_per_minute");
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("PUT", "/v1/kill-switches/tenant:acme", "acme-admin")).Status);
    }

    [Fact]
    public async Task Streams_OverTheCallersLimit_Are429UntilOneIsClosed()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false, o => o.PerCaller.Streams = 1);
        string run = await server.RunAsync("helper");
        using (await server.StreamAsync(run))
        {
            (await server.SendAsync("GET", $"/v1/runs/{run}?wait=1")).Is(HttpStatusCode.TooManyRequests, "too_many_requests", "streams");
            Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", $"/v1/runs/{run}?wait=1", "acme-boss")).Status);
        }

        // The server hears of it as soon as it writes, or reads, on the connection.
        for (int i = 0; (await server.SendAsync("GET", $"/v1/runs/{run}?wait=1")).Status != HttpStatusCode.OK; i++)
        {
            Assert.True(i < 1_500, "The stream's place was never free again.");
            await Task.Delay(20, ApiServer.Token);
        }
    }

    private static Task<ApiAnswer> MessageAsync(ApiServer server, string run, string who) =>
        server.SendAsync("POST", $"/v1/runs/{run}/messages", who, """{"text":"Hi"}""");
}
