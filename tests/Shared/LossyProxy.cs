using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steward.Tests.Shared;

/// <summary>Stands between a store and its server; once armed, it lets the next commit through and loses its answer, or loses the commit itself. It can also hold back everything, as a partition does: nothing fails, nothing arrives.</summary>
internal sealed class LossyProxy : IDisposable
{
    private readonly TcpListener _listener;
    private readonly string _socket;
    private int _loss;
    private int _requests;
    private byte[] _commit = [];
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

    /// <summary>How often something came from the store: of a trip with little to say, once.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <param name="commit">What the commit has in it: the statement, or what is written by a trip that commits by itself.</param>
    public void LoseAnswer(string commit = "COMMIT\0") => Lose(1, commit);

    /// <inheritdoc cref="LoseAnswer"/>
    public void LoseCommit(string commit = "COMMIT\0") => Lose(2, commit);

    /// <summary>From now on nothing reaches the server, or nothing comes back from it.</summary>
    public void Part(bool requests, bool answers)
    {
        _requestsHeld = requests ? new TaskCompletionSource() : null;
        _answersHeld = answers ? new TaskCompletionSource() : null;
    }

    /// <summary>Lets the next commit through, and holds back its answer and all that come later, on every connection.</summary>
    public void PartAtCommit(string commit) => Lose(3, commit);

    /// <summary>Lets what has the text in it through, as far as it came at once, and holds back the rest of it and all that comes later: a trip is cut in two.</summary>
    public void PartAfter(string text) => Lose(4, text);

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

    private void Lose(int loss, string commit)
    {
        _commit = Encoding.UTF8.GetBytes(commit);
        _loss = loss;
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
                    Interlocked.Increment(ref _requests);
                    if (_requestsHeld is { } held)
                        await held.Task;
                    int loss = _loss > 0 && buffer.AsSpan(0, count).IndexOf(_commit) >= 0 ? Interlocked.Exchange(ref _loss, 0) : 0;
                    if (loss > 0)
                        Lost++;
                    if (loss == 2)
                        return;
                    if (loss == 3)
                        Part(requests: false, answers: true);
                    drop[0] = loss == 1;
                    await server.SendAsync(buffer.AsMemory(0, count));
                    if (loss == 4)
                        Part(requests: true, answers: false);
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
}
