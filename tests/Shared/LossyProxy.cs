using System.Net;
using System.Net.Sockets;

namespace Steward.Tests.Shared;

/// <summary>Stands between a store and its server; once armed, it lets the next COMMIT through and loses its answer, or loses the COMMIT itself. It can also hold back everything, as a partition does: nothing fails, nothing arrives.</summary>
internal sealed class LossyProxy : IDisposable
{
    private readonly TcpListener _listener;
    private readonly string _socket;
    private int _loss;
    private volatile TaskCompletionSource? _requestsHeld;
    private volatile TaskCompletionSource? _answersHeld;

    /// <param name="socket">The server's socket in the file system.</param>
    /// <param name="address">Where to listen; loopback if it is not given.</param>
    public LossyProxy(string socket, IPAddress? address = null)
    {
        _socket = socket;
        _listener = new TcpListener(address ?? IPAddress.Loopback, 0);
        _listener.Start();
        _ = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Lost { get; private set; }

    public void LoseAnswer() => _loss = 1;

    public void LoseCommit() => _loss = 2;

    /// <summary>From now on nothing reaches the server, or nothing comes back from it.</summary>
    public void Part(bool requests, bool answers)
    {
        _requestsHeld = requests ? new TaskCompletionSource() : null;
        _answersHeld = answers ? new TaskCompletionSource() : null;
    }

    /// <summary>Lets the next COMMIT through, and holds back its answer and all that come later, on every connection.</summary>
    public void PartAtCommit() => _loss = 3;

    /// <summary>What was held back arrives.</summary>
    public void Heal()
    {
        Interlocked.Exchange(ref _requestsHeld, null)?.SetResult();
        Interlocked.Exchange(ref _answersHeld, null)?.SetResult();
    }

    public void Dispose()
    {
        Heal();
        _listener.Stop();
    }

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
            Task answers = AnswersAsync(server, client.Client, drop, () => _answersHeld);
            byte[] buffer = new byte[64 * 1024];
            try
            {
                while (await client.Client.ReceiveAsync(buffer) is > 0 and var count)
                {
                    if (_requestsHeld is { } held)
                        await held.Task;
                    int loss = IsCommit(buffer.AsSpan(0, count)) ? Interlocked.Exchange(ref _loss, 0) : 0;
                    if (loss > 0)
                        Lost++;
                    if (loss == 2)
                        return;
                    if (loss == 3)
                        Part(requests: false, answers: true);
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

    private static async Task AnswersAsync(Socket server, Socket client, bool[] drop, Func<TaskCompletionSource?> held)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await server.ReceiveAsync(buffer) is > 0 and var count)
            {
                if (drop[0])
                    return;
                if (held() is { } partition)
                    await partition.Task;
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
