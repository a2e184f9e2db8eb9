using System.Net;
using System.Net.Sockets;

namespace Steward.Postgres.Tests;

/// <summary>Stands between a store and its server; once armed, it lets the next COMMIT through and loses its answer, or loses the COMMIT itself.</summary>
internal sealed class LossyProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _socket;
    private int _loss;

    public LossyProxy(string socket)
    {
        _socket = socket;
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Lost { get; private set; }

    public void LoseAnswer() => _loss = 1;

    public void LoseCommit() => _loss = 2;

    public void Dispose() => _listener.Stop();

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync());
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using Socket server = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using (client)
        {
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_socket));
            bool[] drop = [false];
            Task answers = AnswersAsync(server, client.Client, drop);
            byte[] buffer = new byte[64 * 1024];
            try
            {
                while (await client.Client.ReceiveAsync(buffer) is > 0 and var count)
                {
                    int loss = IsCommit(buffer.AsSpan(0, count)) ? Interlocked.Exchange(ref _loss, 0) : 0;
                    if (loss > 0)
                        Lost++;
                    if (loss == 2)
                        return;
                    drop[0] = loss == 1;
                    await server.SendAsync(buffer.AsMemory(0, count));
                    if (loss == 1)
                    {
                        await answers;
                        return;
                    }
                }
            }
            catch (SocketException)
            {
                // Either side went away.
            }
        }
    }

    private static async Task AnswersAsync(Socket server, Socket client, bool[] drop)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await server.ReceiveAsync(buffer) is > 0 and var count)
            {
                if (drop[0])
                    return;
                await client.SendAsync(buffer.AsMemory(0, count));
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Either side went away.
        }
    }

    /// <summary>The statement alone, not the isolation level that <c>BEGIN</c> names.</summary>
    private static bool IsCommit(ReadOnlySpan<byte> bytes) => bytes.IndexOf("COMMIT\0"u8) >= 0;
}
