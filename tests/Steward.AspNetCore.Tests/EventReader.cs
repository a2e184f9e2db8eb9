using System.Net;
using System.Text.Json;

namespace Steward.AspNetCore.Tests;

/// <summary>Reads server-sent events line by line.</summary>
internal sealed class EventReader : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly StreamReader _reader;

    private EventReader(HttpResponseMessage response, Stream stream)
    {
        _response = response;
        _reader = new StreamReader(stream);
    }

    public HttpStatusCode Status => _response.StatusCode;

    public string? Type => _response.Content.Headers.ContentType?.MediaType;

    /// <summary>The comments so far.</summary>
    public List<string> Comments { get; } = [];

    public static async Task<EventReader> OpenAsync(HttpClient client, HttpRequestMessage request)
    {
        HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, ApiServer.Token);
        return new EventReader(response, await response.Content.ReadAsStreamAsync(ApiServer.Token));
    }

    /// <summary>The next event; null at the end of the stream.</summary>
    public async Task<ReadEvent?> NextAsync()
    {
        string? id = null, name = null, data = null;
        while (await _reader.ReadLineAsync(ApiServer.Token) is { } line)
        {
            if (line.StartsWith(':'))
                Comments.Add(line[1..].Trim());
            else if (line.StartsWith("id: ", StringComparison.Ordinal))
                id = line[4..];
            else if (line.StartsWith("event: ", StringComparison.Ordinal))
                name = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                data = line[6..];
            else if (line.Length == 0 && data is not null)
                return new ReadEvent(id is null ? 0 : long.Parse(id), name!, JsonElement.Parse(data));
        }

        return null;
    }

    public async Task<List<ReadEvent>> RestAsync()
    {
        List<ReadEvent> events = [];
        while (await NextAsync() is { } next)
            events.Add(next);
        return events;
    }

    /// <summary>The next comment of those to come.</summary>
    public async Task<string> CommentAsync()
    {
        while (await _reader.ReadLineAsync(ApiServer.Token) is { } line)
        {
            if (line.StartsWith(':'))
                return line[1..].Trim();
        }

        throw new InvalidOperationException("The stream ended without a comment.");
    }

    public void Dispose()
    {
        _reader.Dispose();
        _response.Dispose();
    }
}

/// <summary>An event; its id is 0 where it has none.</summary>
internal sealed record ReadEvent(long Id, string Name, JsonElement Data);
