using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.AI;

namespace Steward.Providers.Tests;

/// <summary>A server of bytes on 127.0.0.1, for the faults and fields that the fake provider cannot make.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Exchange, Task> _answer;
    private readonly Task _loop;
    private int _requests;

    public LoopbackServer(Func<Exchange, Task> answer)
    {
        _answer = answer;
        _listener.Start();
        _loop = AcceptAsync();
    }

    public int Requests => _requests;

    public Uri Url => new($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");

    /// <summary>Answers each request with the same whole answer.</summary>
    public static LoopbackServer Answering(string body, string type = "application/json", string status = "200 OK", params string[] headers) =>
        new(exchange => exchange.SendAsync(body, type, status, headers));

    public IChatClient Client(Api api, Func<ProviderOptions, ProviderOptions>? with = null)
    {
        var options = new ProviderOptions { ApiKey = FakeProvider.Key, BaseUrl = Url };
        return Clients.Create(api, with?.Invoke(options) ?? options);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var exchanges = new List<Task>();
        try
        {
            while (true)
                exchanges.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
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
                await ReadRequestAsync(client.GetStream());
                Interlocked.Increment(ref _requests);
                await _answer(new Exchange(client, _stop.Token));
            }
            catch (Exception exception) when (exception is OperationCanceledException or IOException or SocketException)
            {
                // The client has gone, or the test is over.
            }
        }
    }

    private async Task ReadRequestAsync(NetworkStream stream)
    {
        using var reader = new StreamReader(stream, Encoding.Latin1, leaveOpen: true);
        var length = 0;
        while (await reader.ReadLineAsync(_stop.Token) is { Length: > 0 } line)
        {
            if (line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                length = int.Parse(line["Content-Length:".Length..]);
        }

        await reader.ReadBlockAsync(new char[length], _stop.Token);
    }
}

/// <summary>One request, whose answer is written byte by byte.</summary>
internal sealed class Exchange(TcpClient client, CancellationToken stop)
{
    public CancellationToken Stop => stop;

    public async Task WriteAsync(string text) => await client.GetStream().WriteAsync(Encoding.UTF8.GetBytes(text), stop);

    public Task SendAsync(string body, string type, string status, params string[] headers) =>
        WriteAsync($"HTTP/1.1 {status}\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n"
            + string.Concat(headers.Select(header => header + "\r\n")) + $"Connection: close\r\n\r\n{body}");

    /// <summary>Begins a stream whose end is the end of the connection, so that an early end looks like a whole body.</summary>
    public Task BeginStreamAsync() => WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n");

    /// <summary>Cuts the connection with a reset.</summary>
    public void Reset() => client.Client.Close(0);

    public Task NeverAsync() => Task.Delay(Timeout.Infinite, stop);
}
