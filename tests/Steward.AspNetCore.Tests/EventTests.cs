using System.Net;
using System.Text.Json;

namespace Steward.AspNetCore.Tests;

/// <summary>A run's journal over HTTP, as JSON and as a stream.</summary>
public sealed class EventTests : IAsyncLifetime
{
    private readonly TestDatabase _database = new();

    public ValueTask InitializeAsync() => default;

    public ValueTask DisposeAsync()
    {
        _database.Dispose();
        return default;
    }

    [Fact]
    public async Task Json_GivesTheJournalFromAfterASequence()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database);
        string run = await server.RunAsync("helper");
        long last = (await server.SettledAsync(run)).GetProperty("sequence").GetInt64();

        JsonElement all = (await server.SendAsync("GET", $"/v1/runs/{run}/events")).Json;
        Assert.Equal(Sequence(1, last), Ids(all));
        Assert.Equal((last, false), (all.GetProperty("last").GetInt64(), all.GetProperty("more").GetBoolean()));
        Assert.Equal("helper", all.GetProperty("events")[0].GetProperty("data").GetProperty("agent").GetString());
        JsonElement some = (await server.SendAsync("GET", $"/v1/runs/{run}/events?after=2&limit=2")).Json;
        Assert.Equal([3, 4], Ids(some));
        Assert.Equal((4, true), (some.GetProperty("last").GetInt64(), some.GetProperty("more").GetBoolean()));
    }

    [Fact]
    public async Task Stream_OfARunThatAnotherNodeWorksOn_EndsWithIt()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false);
        string run = await server.RunAsync("looker");
        using EventReader stream = await server.StreamAsync(run);
        Assert.Equal((HttpStatusCode.OK, "text/event-stream"), (stream.Status, stream.Type));
        ReadEvent first = (await stream.NextAsync())!;
        Assert.Equal((1, "run.started"), (first.Id, first.Name));
        Assert.Equal((1, "run.started"), (first.Data.GetProperty("sequence").GetInt64(), first.Data.GetProperty("event").GetString()));

        await using ApiServer worker = await ApiServer.StartAsync(_database);
        worker.Agents.Gate.SetResult();
        List<ReadEvent> rest = await stream.RestAsync();
        Assert.Equal("run.completed", rest[^1].Name);
        Assert.Equal(Sequence(2, rest[^1].Id), rest.Select(e => e.Id));
    }

    [Fact]
    public async Task Stream_WithLastEventId_GoesOnAfterIt()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database);
        string run = await server.RunAsync("looker");
        await server.SeesAsync(run, "tool.started");
        List<long> seen = [];
        using (EventReader stream = await server.StreamAsync(run))
        {
            for (int i = 0; i < 3; i++)
                seen.Add((await stream.NextAsync())!.Id);
        }

        using EventReader again = await server.StreamAsync(run, seen[^1]);
        server.Agents.Gate.SetResult();
        seen.AddRange((await again.RestAsync()).Select(e => e.Id));
        Assert.Equal(Sequence(1, seen[^1]), seen);
        Assert.Equal(seen[^1], (await server.SettledAsync(run)).GetProperty("sequence").GetInt64());

        using EventReader over = await server.StreamAsync(run, seen[^1]);
        Assert.Equal(HttpStatusCode.NoContent, over.Status);
        using EventReader beyond = await server.StreamAsync(run, seen[^1] + 1);
        Assert.Equal(HttpStatusCode.BadRequest, beyond.Status);
        using EventReader ended = await server.StreamAsync(run, seen[^1] - 1);
        Assert.Equal("run.completed", Assert.Single(await ended.RestAsync()).Name);
    }

    [Fact]
    public async Task Stream_WhenNothingHappens_SendsComments()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, configure: o => o.Heartbeat = TimeSpan.FromMilliseconds(50));
        string run = await server.RunAsync("looker");
        using EventReader stream = await server.StreamAsync(run);
        while ((await stream.NextAsync())!.Name != "tool.started")
        {
            // Until the tool waits.
        }

        Assert.Equal("heartbeat", await stream.CommentAsync());
        server.Agents.Gate.SetResult();
        Assert.Equal("run.completed", (await stream.RestAsync())[^1].Name);
    }

    [Fact]
    public async Task Stream_WithDeltas_SendsTextAsItArrives_AndResumeCountsEntriesOnly()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database);
        string run = await server.RunAsync("speaker");
        using EventReader stream = await server.StreamAsync(run, query: "?deltas=true");
        List<ReadEvent> seen = [];
        do
        {
            seen.Add((await stream.NextAsync())!);
            if (seen[^1].Name == "model.started")
                server.Agents.Voice.Release();
        }
        while (seen[^1].Name != "text.delta");
        Assert.Equal((0, "{\"turn\":1,\"attempt\":1,\"text\":\"Eins\\n\"}"), (seen[^1].Id, seen[^1].Data.GetRawText()));
        Assert.Equal("model.started", seen[^2].Name);

        using EventReader again = await server.StreamAsync(run, seen[^2].Id, "?deltas=true");
        using EventReader plain = await server.StreamAsync(run, seen[^2].Id);
        server.Agents.Voice.Release(2);
        seen.AddRange(await stream.RestAsync());
        Assert.Equal("Eins\nzwei \"drei\" fünf", string.Concat(seen.Where(e => e.Name == "text.delta").Select(e => e.Data.GetProperty("text").GetString())));
        Assert.Equal("model.returned", seen[seen.FindLastIndex(e => e.Name == "text.delta") + 1].Name);
        ReadEvent[] entries = [.. seen.Where(e => e.Id > 0)];
        Assert.Equal(Sequence(1, entries[^1].Id), entries.Select(e => e.Id));
        Assert.Equal("run.completed", entries[^1].Name);

        long started = entries.Single(e => e.Name == "model.started").Id;
        IEnumerable<ReadEvent> rest = entries.Where(e => e.Id > started);
        Assert.Equal(rest.Select(e => e.Id), (await again.RestAsync()).Where(e => e.Id > 0).Select(e => e.Id));
        Assert.Equal(rest.Select(e => e.Id), (await plain.RestAsync()).Select(e => e.Id));
    }

    [Fact]
    public async Task Stream_WithDeltas_ThatCannotBeRead_IsRefused()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database);
        string run = await server.RunAsync("helper");
        using EventReader stream = await server.StreamAsync(run, query: "?deltas=maybe");
        Assert.Equal((HttpStatusCode.BadRequest, "application/problem+json"), (stream.Status, stream.Type));
        (await server.SendAsync("GET", $"/v1/runs/{run}/events?deltas=true")).Is(HttpStatusCode.BadRequest, "invalid_request", "'deltas'");
    }

    [Fact]
    public async Task Stopping_EndsStreamsWithAComment_AndAnswersThatItIsNotReady()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/readyz", who: null)).Status);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/healthz", who: null)).Status);
        string run = await server.RunAsync("looker");
        await server.SeesAsync(run, "tool.started");
        using EventReader stream = await server.StreamAsync(run);
        await stream.NextAsync();
        Task<ApiAnswer> waits = server.SendAsync("GET", $"/v1/runs/{run}?wait=60");
        server.BeginToStop();

        List<ReadEvent> rest = await stream.RestAsync();
        Assert.DoesNotContain(rest, e => e.Name == "run.completed");
        Assert.Contains("come again with Last-Event-ID", stream.Comments[^1], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await waits).Status);
        ApiAnswer ready = await server.SendAsync("GET", "/readyz", who: null);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "stopping"), (ready.Status, ready.Json.GetProperty("reason").GetString()));
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", "/healthz", who: null)).Status);
        ApiAnswer refused = await server.SendAsync("POST", "/v1/runs", body: """{"agent":"helper","input":"Hello"}""");
        refused.Is(HttpStatusCode.ServiceUnavailable, "stopping");
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(HttpStatusCode.OK, (await server.SendAsync("GET", $"/v1/runs/{run}")).Status);
    }

    [Fact]
    public async Task Readyz_WhenTheDatabaseIsGone_Answers503()
    {
        await using ApiServer server = await ApiServer.StartAsync(_database, work: false);
        await server.Store.DisposeAsync();
        ApiAnswer ready = await server.SendAsync("GET", "/readyz", who: null);
        Assert.Equal((HttpStatusCode.ServiceUnavailable, "database"), (ready.Status, ready.Json.GetProperty("reason").GetString()));
        ApiAnswer refused = await server.SendAsync("POST", "/v1/runs", body: """{"agent":"helper","input":"Hello"}""");
        refused.Is(HttpStatusCode.ServiceUnavailable, "store_unavailable", "closed");
        Assert.NotNull(refused.Headers.RetryAfter);
    }

    private static IEnumerable<long> Sequence(long first, long last) => Enumerable.Range((int)first, (int)(last - first + 1)).Select(i => (long)i);

    private static IEnumerable<long> Ids(JsonElement answer) => answer.GetProperty("events").EnumerateArray().Select(e => e.GetProperty("sequence").GetInt64());
}
