using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steward.Cli.Tests.Commands;

/// <summary>A loopback HTTP server that answers the first so many requests never, and later ones at once.</summary>
internal sealed class SlowServer : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly List<TcpClient> _held = [];
    private int _requests;

    public SlowServer()
    {
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Whether requests are left without an answer.</summary>
    public bool Holds { get; set; } = true;

    public void Dispose()
    {
        _listener.Stop();
        foreach (TcpClient client in _held)
            client.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                TcpClient client = await _listener.AcceptTcpClientAsync();
                lock (_held)
                    _held.Add(client);
                _ = ServeAsync(client);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        try
        {
            NetworkStream stream = client.GetStream();
            byte[] buffer = new byte[16_384];
            var text = new StringBuilder();
            while (!IsWhole(text.ToString()))
            {
                int read = await stream.ReadAsync(buffer);
                if (read == 0)
                    return;
                text.Append(Encoding.ASCII.GetString(buffer, 0, read));
            }

            bool holds = Holds;
            Interlocked.Increment(ref _requests);
            if (!holds)
                await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 7\r\nConnection: close\r\n\r\ncharged"u8.ToArray());
        }
        catch (Exception e) when (e is IOException or ObjectDisposedException)
        {
        }
    }

    private static bool IsWhole(string request)
    {
        int head = request.IndexOf("\r\n\r\n", StringComparison.Ordinal);
        if (head < 0)
            return false;
        string? length = request[..head].Split("\r\n").FirstOrDefault(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase));
        return length is null || request.Length - head - 4 >= int.Parse(length.Split(':')[1]);
    }
}
