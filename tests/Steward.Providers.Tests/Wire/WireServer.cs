using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Steward.Providers.Tests.OnTheWire;

/// <summary>An answer of the wire server's.</summary>
internal sealed record WireAnswer(byte[] Body, bool IsStream, string Status = "200 OK")
{
    /// <summary>Events, each a line of data.</summary>
    public static WireAnswer Events(params IEnumerable<string> events) =>
        new(Encoding.UTF8.GetBytes(string.Concat(events.Select(e => $"data: {e}\n\n"))), IsStream: true);

    /// <summary>A plain answer.</summary>
    public static WireAnswer Json(string json) => new(Encoding.UTF8.GetBytes(json), IsStream: false);
}

/// <summary>A provider on 127.0.0.1 that gives the answers of a list, keeps the requests, and writes each answer in pieces of random
/// sizes.</summary>
internal sealed class WireServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<int, WireAnswer> _answer;
    private readonly Random _random;
    private readonly Task _loop;
    private readonly List<string> _requests = [];

    public WireServer(Func<int, WireAnswer> answer, int seed = 0)
    {
        (_answer, _random) = (answer, new Random(seed));
        _listener.Start();
        _loop = AcceptAsync();
    }

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/v1/");

    public IReadOnlyList<string> Requests
    {
        get
        {
            lock (_requests)
                return [.. _requests];
        }
    }

    public JsonNode Request(int index) => JsonNode.Parse(Requests[index])!;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        List<Task> exchanges = [];
        try
        {
            while (true)
                exchanges.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException)
        {
            await Task.WhenAll(exchanges);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                WireAnswer answer = await ReadAsync(client.GetStream());
                string type = answer.IsStream ? "text/event-stream" : "application/json";
                string length = $"Content-Length: {answer.Body.Length}";
                string head = $"HTTP/1.1 {answer.Status}\r\nContent-Type: {type}\r\n{length}\r\nConnection: close\r\n\r\n";
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(head), _stop.Token);
                for (int at = 0; at < answer.Body.Length;)
                {
                    int size;
                    lock (_random)
                        size = Math.Min(answer.Body.Length - at, _random.Next(1, 4_096));
                    await client.GetStream().WriteAsync(answer.Body.AsMemory(at, size), _stop.Token);
                    at += size;
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
            {
                // The client has gone, or the test is over.
            }
        }
    }

    private async Task<WireAnswer> ReadAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        int length = 0;
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line["Content-Length:".Length..], System.Globalization.CultureInfo.InvariantCulture);
        }

        char[] body = new char[length];
        await reader.ReadBlockAsync(body, _stop.Token);
        lock (_requests)
        {
            _requests.Add(Encoding.UTF8.GetString(Encoding.Latin1.GetBytes(body)));
            return _answer(_requests.Count - 1);
        }
    }
}
