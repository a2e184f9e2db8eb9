using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Steward.AspNetCore.Http;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary><c>GET /v1/runs/{id}/events</c>: the journal, as JSON or as a stream that goes on until the run has ended.</summary>
internal sealed class EventEndpoints(Api api)
{
    private const int FlushAt = 64 * 1024;

    public void Map(RouteGroupBuilder group) => api.Map(group, "GET", "/v1/runs/{id}/events", EventsAsync);

    private async Task EventsAsync(ApiCall call)
    {
        bool isStream = IsStream(call.Context.Request);
        if (isStream)
            call.KnowsQuery("after", "deltas");
        else
            call.KnowsQuery("after", "limit");
        RunInfo run = await call.RunAsync();
        long after = call.Number("after", 0, 0, long.MaxValue);
        if (!isStream)
        {
            await ListAsync(call, run, after, call.Number("limit", 1_000, 1, 10_000));
            return;
        }

        await new EventStream(call, run, LastEventId(call.Context.Request) ?? after, call.Flag("deltas")).WriteAsync();
    }

    private async Task ListAsync(ApiCall call, RunInfo run, long after, long limit)
    {
        call.Context.Response.ContentType = "application/json";
        await using var json = new Utf8JsonWriter(call.Context.Response.BodyWriter);
        long count = 0, last = after;
        bool more = false;
        json.WriteStartObject();
        json.WriteString("run", run.Run.ToString());
        json.WriteStartArray("events");
        await foreach (JournalEntry entry in api.Store.ReadAsync(run.Run, after, call.Aborted))
        {
            if (more = ++count > limit)
                break;
            JsonSerializer.Serialize(json, EventDocument.Of(entry), ContractJson.Compact<EventDocument>());
            last = entry.Sequence;
            if (json.BytesPending > FlushAt)
                await json.FlushAsync(call.Aborted);
        }

        json.WriteEndArray();
        json.WriteNumber("last", last);
        json.WriteBoolean("more", more);
        json.WriteEndObject();
        await json.FlushAsync(call.Aborted);
        await call.Context.Response.BodyWriter.FlushAsync(call.Aborted);
    }

    private static bool IsStream(HttpRequest request) =>
        request.GetTypedHeaders().Accept.Any(
            a => a.Quality is not 0 && a.MediaType.Equals("text/event-stream", StringComparison.OrdinalIgnoreCase));

    /// <summary>Where a client that comes again left off.</summary>
    private static long? LastEventId(HttpRequest request) => request.Headers["Last-Event-ID"].ToString() switch
    {
        "" => null,
        string text when long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long sequence) => sequence,
        string text => throw Refused.Invalid(
            "Last-Event-ID", text, $"The header 'Last-Event-ID' is '{text}'; it must be the id of an event, which is its sequence."),
    };
}
