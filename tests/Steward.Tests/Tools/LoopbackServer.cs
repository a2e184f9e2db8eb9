using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steward.Tests.Tools;

/// <summary>A real HTTP/1.1 server on a loopback port that answers with prepared bytes and keeps what it was asked.</summary>
internal sealed class LoopbackServer : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly Func<Request, string?> _answer;
    private readonly Task _loop;

    private readonly bool _listens;

    /// <param name="answer">Gives the raw answer, null to close without one, or "hang" to never answer.</param>
    /// <param name="listens">Whether it reads a request before it answers.</param>
    public LoopbackServer(Func<Request, string?> answer, bool listens = true)
    {
        _answer = answer;
        _listens = listens;
        _listener.Start();
        _loop = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => $"http://127.0.0.1:{Port}";

    public ConcurrentQueue<Request> Requests { get; } = new();

    public Request Last => Requests.Last();

    public static string Answer(int status, string body, string type = "application/json", string headers = "") =>
        $"HTTP/1.1 {status} Status{status}\r\nContent-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: close\r\n{headers}\r\n{body}";

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _loop;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException || (e is InvalidOperationException && _stop.IsCancellationRequested))
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using TcpClient owned = client;
        try
        {
            NetworkStream stream = client.GetStream();
            Request request = _listens ? await ReadAsync(stream) : new Request("", "", new Dictionary<string, string>(), "");
            Requests.Enqueue(request);
            string? answer = _answer(request);
            if (answer == "hang")
                await Task.Delay(Timeout.Infinite, _stop.Token);
            if (answer is not null)
                await stream.WriteAsync(Encoding.UTF8.GetBytes(answer), _stop.Token);
            client.Client.Shutdown(SocketShutdown.Send);
            // Reads what is left, so that closing does not reset the connection under the answer.
            while (await stream.ReadAsync(new byte[1024], _stop.Token) > 0)
            {
            }
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or SocketException)
        {
        }
    }

    private async Task<Request> ReadAsync(NetworkStream stream)
    {
        var bytes = new List<byte>();
        var one = new byte[1];
        while (!bytes.TakeLast(4).SequenceEqual("\r\n\r\n"u8.ToArray()) && await stream.ReadAsync(one, _stop.Token) > 0)
            bytes.Add(one[0]);
        string[] lines = Encoding.ASCII.GetString([.. bytes]).Split("\r\n", StringSplitOptions.RemoveEmptyEntries);
        Dictionary<string, string> headers = lines.Skip(1).Select(l => l.Split(": ", 2)).ToDictionary(l => l[0], l => l[1], StringComparer.OrdinalIgnoreCase);
        var body = new byte[headers.TryGetValue("Content-Length", out string? length) ? int.Parse(length) : 0];
        await stream.ReadExactlyAsync(body, _stop.Token);
        string[] start = lines[0].Split(' ');
        return new Request(start[0], start[1], headers, Encoding.UTF8.GetString(body));
    }

    internal sealed record Request(string Method, string Target, IReadOnlyDictionary<string, string> Headers, string Body);
}
