using System.Net;
using System.Net.Sockets;

namespace Steward.Orleans.Tests;

/// <summary>Stands before a silo's port, under the address that the others know. Parted, it holds back what goes in, or comes out, on every connection: nothing fails, nothing arrives.</summary>
internal sealed class SiloProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _over = new();
    private volatile TaskCompletionSource<bool>? _inward;
    private volatile TaskCompletionSource<bool>? _outward;

    public SiloProxy()
    {
        using (TcpListener free = new(IPAddress.Loopback, 0))
        {
            free.Start();
            Target = ((IPEndPoint)free.LocalEndpoint).Port;
        }

        _listener.Start();
        _ = AcceptAsync();
    }

    /// <summary>The port that the others know.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>The port at which the silo listens.</summary>
    public int Target { get; }

    public void Part(bool inward, bool outward)
    {
        _inward = inward ? new(TaskCreationOptions.RunContinuationsAsynchronously) : null;
        _outward = outward ? new(TaskCreationOptions.RunContinuationsAsynchronously) : null;
    }

    /// <param name="delivers">What was held back arrives, late; otherwise it is lost, and its connections with it.</param>
    public void Heal(bool delivers)
    {
        Interlocked.Exchange(ref _inward, null)?.SetResult(delivers);
        Interlocked.Exchange(ref _outward, null)?.SetResult(delivers);
    }

    public void Dispose()
    {
        _over.Cancel();
        Heal(delivers: false);
        _listener.Stop();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_over.Token));
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient caller)
    {
        using (caller)
        using (TcpClient silo = new())
        {
            try
            {
                await silo.ConnectAsync(IPAddress.Loopback, Target, _over.Token);
                caller.NoDelay = silo.NoDelay = true;
                await await Task.WhenAny(PumpAsync(caller, silo, () => _inward), PumpAsync(silo, caller, () => _outward));
            }
            catch (Exception e) when (e is SocketException or IOException or ObjectDisposedException or OperationCanceledException)
            {
                // One of the two has gone: so is the other.
            }
        }
    }

    private async Task PumpAsync(TcpClient from, TcpClient to, Func<TaskCompletionSource<bool>?> held)
    {
        byte[] buffer = new byte[64 * 1024];
        while (await from.GetStream().ReadAsync(buffer, _over.Token) is > 0 and var count)
        {
            if (held() is { } hold && !await hold.Task)
                return;
            await to.GetStream().WriteAsync(buffer.AsMemory(0, count), _over.Token);
        }
    }
}
