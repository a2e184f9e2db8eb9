using System.Buffers;
using System.Globalization;
using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Steward.AspNetCore.Contract;
using Steward.AspNetCore.Http;
using Steward.Client;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.AspNetCore.Endpoints;

/// <summary>A run's journal as server-sent events, whichever node works on it.</summary>
/// <remarks>
/// An event's id is its sequence, so a client that comes again with <c>Last-Event-ID</c>, to this server or another, gets each
/// event once. After the last event the stream ends, and a client that comes again gets 204: that stops a browser's <c>EventSource</c>.
/// Requested text comes in events without an id, so it never counts as a place to resume from.
/// </remarks>
internal sealed class EventStream(ApiCall call, RunInfo run, long after, bool deltas)
{
    // Not SseFormatter or TypedResults.ServerSentEvents: they write no comments, which heartbeats and the end of a stopping server are.
    private readonly Api _api = call.Api;
    private readonly PipeWriter _body = call.Context.Response.BodyWriter;

    public async Task WriteAsync()
    {
        if (after > run.Sequence)
            throw Refused.Invalid(
                "after",
                after.ToString(CultureInfo.InvariantCulture),
                string.Create(CultureInfo.InvariantCulture,
                    $"The stream is to go on after sequence {after}, and the journal of run {run.Run} ends at {run.Sequence}. Begin at one that it has."));
        HttpResponse response = call.Context.Response;
        if (run.Status.IsTerminal() && after == run.Sequence)
        {
            response.StatusCode = StatusCodes.Status204NoContent;
            return;
        }

        using IDisposable slot = _api.EnterStream(call.Caller);
        response.ContentType = "text/event-stream";
        response.Headers["X-Accel-Buffering"] = "no";
        call.Context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await SendAsync("retry: 1000\n\n");
        using var end = CancellationTokenSource.CreateLinkedTokenSource(call.Aborted, _api.Stopping);
        try
        {
            await FollowAsync(end);
        }
        catch (OperationCanceledException) when (_api.Stopping.IsCancellationRequested && !call.Aborted.IsCancellationRequested)
        {
            await SendAsync(": this server is stopping; come again with Last-Event-ID\n\n");
        }
    }

    private async Task FollowAsync(CancellationTokenSource end)
    {
        IAsyncEnumerator<RunUpdate> updates = Updates(end.Token).GetAsyncEnumerator(end.Token);
        Task<bool> next = updates.MoveNextAsync().AsTask();
        try
        {
            while (await NextAsync(next, end.Token) && call.IsStillKnown)
            {
                Write(updates.Current);
                next = updates.MoveNextAsync().AsTask();
                if (!next.IsCompleted)
                    await _body.FlushAsync(call.Aborted);
            }

            await _body.FlushAsync(call.Aborted);
        }
        finally
        {
            await end.CancelAsync();
            await next.ContinueWith(
                static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
            await updates.DisposeAsync();
        }
    }

    private IAsyncEnumerable<RunUpdate> Updates(CancellationToken cancellationToken)
    {
        RunHandle handle = _api.Client.Get(run.Run);
        return deltas
            ? handle.StreamAsync(after, cancellationToken)
            : handle.FollowAsync(after, cancellationToken).Select(RunUpdate (entry) => new EntryRead(entry));
    }

    /// <summary>Waits for the next update; a comment goes out whenever that takes long.</summary>
    private async Task<bool> NextAsync(Task<bool> next, CancellationToken cancellationToken)
    {
        while (!next.IsCompleted)
        {
            using var beat = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(next, Task.Delay(_api.Options.Heartbeat, _api.Time, beat.Token));
            await beat.CancelAsync();
            if (!call.IsStillKnown)
                return false;
            if (!next.IsCompleted && !cancellationToken.IsCancellationRequested)
                await SendAsync(": heartbeat\n\n");
        }

        return await next;
    }

    private void Write(RunUpdate update)
    {
        switch (update)
        {
            case EntryRead { Entry: var entry }:
                string head = string.Create(CultureInfo.InvariantCulture, $"id: {entry.Sequence}\nevent: {entry.Type}");
                Write(head, EventDocument.Of(entry), ContractJson.Compact<EventDocument>());
                break;
            case TextArrived text:
                Write("event: text.delta", new TextDocument(text.Turn, text.Attempt, text.Text), ApiJson.Readable.TextDocument);
                break;
            case TextSuperseded text:
                Write("event: text.superseded", new TextDocument(text.Turn, text.Attempt), ApiJson.Readable.TextDocument);
                break;
            case UpdatesDropped dropped:
                Write("event: text.dropped", new DroppedDocument(dropped.Count), ApiJson.Readable.DroppedDocument);
                break;
        }
    }

    private void Write<T>(string head, T value, JsonTypeInfo<T> type)
    {
        _body.Write(Encoding.UTF8.GetBytes($"{head}\ndata: "));
        using (var json = new Utf8JsonWriter(_body, new JsonWriterOptions { Encoder = type.Options.Encoder }))
            JsonSerializer.Serialize(json, value, type);
        _body.Write("\n\n"u8);
    }

    private async Task SendAsync(string text)
    {
        _body.Write(Encoding.UTF8.GetBytes(text));
        await _body.FlushAsync(call.Aborted);
    }
}
