using System.Net;
using System.Text.Json;

namespace Steward.AspNetCore.Tests;

/// <summary>Looking at runs and sending them something.</summary>
public sealed class RunTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();
    private ApiServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await ApiServer.StartAsync(_database, configure: o => o.MaxStreams = 3);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _database.Dispose();
    }

    [Fact]
    public async Task List_FiltersAndSaysWhetherThereIsMore()
    {
        string[] runs = [await _server.RunAsync("helper"), await _server.RunAsync("helper"), await _server.RunAsync("payer")];
        foreach (string run in runs)
            await _server.SettledAsync(run);

        Assert.Equal(runs.AsEnumerable().Reverse(), await ListAsync(""));
        Assert.Equal([runs[1], runs[0]], await ListAsync("?agent=helper"));
        Assert.Equal([runs[2]], await ListAsync("?status=awaiting,failed"));
        Assert.Empty(await ListAsync("?session=none"));
        JsonElement two = (await _server.SendAsync("GET", "/v1/runs?limit=2")).Json;
        Assert.Equal((2, true), (two.GetProperty("runs").GetArrayLength(), two.GetProperty("more").GetBoolean()));
        Assert.False((await _server.SendAsync("GET", "/v1/runs?limit=3")).Json.GetProperty("more").GetBoolean());
    }

    [Fact]
    public async Task List_ByLabels_FindsRunsThatBearThemAll()
    {
        string one = await LabelledAsync("""{"ticket":"991"}""");
        string two = await LabelledAsync("""{"ticket":"991","team":"blue:1"}""");
        string bare = await _server.RunAsync("helper");

        Assert.Equal([two, one], await ListAsync("?label=ticket:991"));
        Assert.Equal([two], await ListAsync("?label=ticket:991&label=team:blue:1"));
        Assert.Empty(await ListAsync("?label=ticket:99"));
        JsonElement labels = (await _server.SendAsync("GET", $"/v1/runs/{two}")).Json.GetProperty("labels");
        Assert.Equal("blue:1", labels.GetProperty("team").GetString());
        Assert.False((await _server.SendAsync("GET", $"/v1/runs/{bare}")).Json.TryGetProperty("labels", out _));
    }

    [Theory]
    [InlineData("/v1/runs?label=ticket", "label")]
    [InlineData("/v1/runs?label=", "label")]
    [InlineData("/v1/runs?label=a:1&label=a:2", "label")]
    [InlineData("/v1/runs?label=a%20b:1", "label")]
    [InlineData("/v1/runs?status=done", "status")]
    [InlineData("/v1/runs?limit=0", "limit")]
    [InlineData("/v1/runs?limit=ten", "limit")]
    [InlineData("/v1/runs?agnet=helper", "agnet")]
    [InlineData("/v1/runs?agent=a&agent=b", "agent")]
    [InlineData("/v1/runs?agent=", "agent")]
    [InlineData("/v1/runs/{run}?wait=61", "wait")]
    [InlineData("/v1/runs/{run}?wait=-1", "wait")]
    [InlineData("/v1/runs/{run}/events?after=x", "after")]
    [InlineData("/v1/runs/{run}/events?limit=0", "limit")]
    public async Task Query_Invalid_Answers400NamingTheParameter(string path, string field)
    {
        string run = await _server.RunAsync("helper");
        JsonElement problem = (await _server.SendAsync("GET", path.Replace("{run}", run, StringComparison.Ordinal))).Is(HttpStatusCode.BadRequest, "invalid_request", field);
        Assert.Equal(field, problem.GetProperty("field").GetString());
    }

    [Fact]
    public async Task Get_Unknown_Answers404()
    {
        (await _server.SendAsync("GET", "/v1/runs/0190000000007000800000000000beef")).Is(HttpStatusCode.NotFound, "unknown_run");
        (await _server.SendAsync("GET", "/v1/runs/last")).Is(HttpStatusCode.NotFound, "unknown_run", "'last'");
    }

    [Fact]
    public async Task Wait_ComesBackWhenTheTimeIsUp_AndWhenTheRunEnds()
    {
        string run = await _server.RunAsync("looker");
        JsonElement soon = (await _server.SendAsync("GET", $"/v1/runs/{run}?wait=1")).Json;
        Assert.NotEqual("completed", soon.GetProperty("status").GetString());
        Task<JsonElement> ended = _server.SettledAsync(run);
        Assert.False(ended.IsCompleted);
        _server.Agents.Gate.SetResult();
        Assert.Equal("Seen.", (await ended).GetProperty("output").GetString());
    }

    [Fact]
    public async Task Wait_BeyondTheMost_Answers429NamingTheLimit()
    {
        string run = await _server.RunAsync("looker");
        await _server.SeesAsync(run, "tool.started");
        List<EventReader> streams = [];
        for (int i = 0; i < 3; i++)
            streams.Add(await _server.StreamAsync(run));
        JsonElement problem = (await _server.SendAsync("GET", $"/v1/runs/{run}?wait=1")).Is(HttpStatusCode.TooManyRequests, "too_many_streams", "MaxStreams");
        Assert.Equal(3, problem.GetProperty("limit").GetInt32());
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("GET", $"/v1/runs/{run}")).Status);

        // A stream that has ended makes room again.
        streams[0].Dispose();
        for (int i = 0; (await _server.SendAsync("GET", $"/v1/runs/{run}?wait=1")).Status != HttpStatusCode.OK; i++)
        {
            Assert.True(i < 1_500, "The place of a stream that was closed is never free again.");
            await Task.Delay(20, ApiServer.Token);
        }

        streams.ForEach(s => s.Dispose());
    }

    [Fact]
    public async Task Cancel_EndsTheRun_AndAgainIsNoError()
    {
        string run = await _server.RunAsync("looker");
        await _server.SeesAsync(run, "tool.started");
        Assert.Equal(HttpStatusCode.Accepted, (await _server.SendAsync("POST", $"/v1/runs/{run}/cancel", body: """{"reason":"No longer needed"}""")).Status);
        JsonElement ended = await _server.SettledAsync(run);
        Assert.Equal("cancelled", ended.GetProperty("status").GetString());
        Assert.Equal("duplicate", (await _server.SendAsync("POST", $"/v1/runs/{run}/cancel")).Json.GetProperty("result").GetString());
        JsonElement events = (await _server.SendAsync("GET", $"/v1/runs/{run}/events")).Json.GetProperty("events");
        JsonElement asked = Assert.Single(events.EnumerateArray(), e => e.GetProperty("event").GetString() == "cancel.requested").GetProperty("data");
        Assert.Equal(("acme-app", "No longer needed"), (asked.GetProperty("by").GetString(), asked.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task Ended_TakesNothingMore()
    {
        string run = await _server.RunAsync("helper");
        await _server.SettledAsync(run);
        (await _server.SendAsync("POST", $"/v1/runs/{run}/cancel")).Is(HttpStatusCode.Conflict, "run_ended", "completed");
        (await _server.SendAsync("POST", $"/v1/runs/{run}/messages", body: """{"text":"More"}""")).Is(HttpStatusCode.Conflict, "run_ended");
        (await _server.SendAsync("POST", $"/v1/runs/{run}/signals", body: """{"name":"paid"}""")).Is(HttpStatusCode.Conflict, "run_ended");
    }

    [Fact]
    public async Task Message_WithAKey_IsTakenOnce()
    {
        string run = await _server.RunAsync("looker");
        await _server.SeesAsync(run, "tool.started");
        Assert.Equal(HttpStatusCode.Accepted, (await _server.SendAsync("POST", $"/v1/runs/{run}/messages", body: """{"text":"Also left","key":"m1"}""")).Status);
        Assert.Equal(HttpStatusCode.OK, (await _server.SendAsync("POST", $"/v1/runs/{run}/messages", body: """{"text":"Also left","key":"m1"}""")).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await _server.SendAsync("POST", $"/v1/runs/{run}/signals", body: """{"name":"paid","payload":{"amount":5},"key":"m1"}""")).Status);
        (await _server.SendAsync("POST", $"/v1/runs/{run}/messages", body: "{}")).Is(HttpStatusCode.BadRequest, "invalid_request", "'text'");
        _server.Agents.Gate.SetResult();
        await _server.SettledAsync(run);
        JsonElement events = (await _server.SendAsync("GET", $"/v1/runs/{run}/events")).Json.GetProperty("events");
        Assert.Single(events.EnumerateArray(), e => e.GetProperty("event").GetString() == "message.received");
    }

    [Fact]
    public async Task Feedback_IsKeptWithWhoGaveIt()
    {
        string run = await _server.RunAsync("helper");
        await _server.SettledAsync(run);
        Assert.Equal(HttpStatusCode.Created, (await _server.SendAsync("POST", $"/v1/runs/{run}/feedback", body: """{"score":0.5,"comment":"Fair","key":"f"}""")).Status);
        Assert.Equal(HttpStatusCode.Created, (await _server.SendAsync("POST", $"/v1/runs/{run}/feedback", body: """{"score":0.5,"comment":"Fair","key":"f"}""")).Status);
        (await _server.SendAsync("POST", $"/v1/runs/{run}/feedback", body: """{"score":1.5}""")).Is(HttpStatusCode.BadRequest, "invalid_request", "1.5");
        (await _server.SendAsync("POST", $"/v1/runs/{run}/feedback", body: "{}")).Is(HttpStatusCode.BadRequest, "invalid_request", "score");
        JsonElement feedback = Assert.Single((await _server.SendAsync("GET", $"/v1/runs/{run}/feedback")).Json.GetProperty("feedback").EnumerateArray());
        Assert.Equal((0.5, "Fair", "acme-app"), (feedback.GetProperty("score").GetDouble(), feedback.GetProperty("comment").GetString(), feedback.GetProperty("by").GetString()));
    }

    [Fact]
    public async Task ClientThatHangsUp_CancelsItsRequestAndNotTheRun()
    {
        string run = await _server.RunAsync("looker");
        using (EventReader stream = await _server.StreamAsync(run))
            Assert.Equal(1, (await stream.NextAsync())!.Id);
        await _server.SeesAsync(run, "tool.started");
        _server.Agents.Gate.SetResult();
        Assert.Equal("completed", (await _server.SettledAsync(run)).GetProperty("status").GetString());
    }

    private async Task<string> LabelledAsync(string labels)
    {
        string body = $$"""{"agent":"helper","input":"Hello","labels":{{labels}} }""";
        return (await _server.SendAsync("POST", "/v1/runs", "acme-app", body)).Json.GetProperty("run").GetString()!;
    }

    private async Task<IEnumerable<string?>> ListAsync(string query) =>
        [.. (await _server.SendAsync("GET", $"/v1/runs{query}")).Json.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("run").GetString())];
}
