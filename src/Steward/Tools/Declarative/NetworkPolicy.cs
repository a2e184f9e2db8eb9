using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Steward.Tools.Declarative;

/// <summary>Which addresses a tool may connect to. Judged at the address that is
/// connected to, so that no name can be bound to another one in between.</summary>
internal static class NetworkPolicy
{
    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(15);
    private static readonly HttpRequestOptionsKey<ConnectionGate> s_gate = new("steward.connection");

    private static readonly IPNetwork[] s_notPublic =
    [
        .. new[]
        {
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.88.99.0/24",
            "192.168.0.0/16", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
            "2001::/23", "2001:db8::/32", "3fff::/20",
        }.Select(n => IPNetwork.Parse(n)),
    ];

    private static readonly IPNetwork s_global6 = IPNetwork.Parse("2000::/3");
    private static readonly IPNetwork s_nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork s_6To4 = IPNetwork.Parse("2002::/16");

    /// <summary>Whether an address belongs to the public Internet, seen through the ways in which IPv6 holds IPv4.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            return IsPublic(address.MapToIPv4());
        if (address.AddressFamily == AddressFamily.InterNetworkV6)
        {
            byte[] bytes = address.GetAddressBytes();
            if (s_nat64.Contains(address))
                return IsPublic(new IPAddress(bytes.AsSpan(12, 4)));
            if (s_6To4.Contains(address))
                return IsPublic(new IPAddress(bytes.AsSpan(2, 4)));
            if (!s_global6.Contains(address))
                return false;
        }

        return !s_notPublic.Any(n => n.BaseAddress.AddressFamily == address.AddressFamily && n.Contains(address));
    }

    /// <summary>Makes what sends requests. A connection serves one request, and a request gets one connection.</summary>
    /// <remarks>
    /// .NET sends a request again, on a new connection, when the server closed without an answer and there was no body. POST is
    /// no exception (measured: four POSTs for one). An effect
    /// must not happen more often than its intent says, so a second connection is refused.
    /// </remarks>
    public static HttpMessageInvoker CreateInvoker(bool allowPrivate) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        PooledConnectionLifetime = TimeSpan.Zero,
        ConnectTimeout = s_connectTimeout,
        MaxResponseHeadersLength = 64,
        RequestHeaderEncodingSelector = static (_, _) => Encoding.UTF8, // Otherwise 'José' fails once the connection stands.
        ConnectCallback = (context, cancellationToken) => ConnectAsync(context, allowPrivate, cancellationToken),
    });

    /// <summary>Lets a request have one connection, and tells whether it came
    /// to stand: before that, nothing of the request was sent.</summary>
    public static ConnectionGate Gate(HttpRequestMessage request)
    {
        var gate = new ConnectionGate();
        request.Options.Set(s_gate, gate);
        return gate;
    }

    private static async ValueTask<Stream> ConnectAsync(
        SocketsHttpConnectionContext context,
        bool allowPrivate,
        CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(context.DnsEndPoint.Host, cancellationToken);
        IPAddress[] allowed = allowPrivate ? addresses : [.. addresses.Where(IsPublic)];
        if (allowed.Length == 0)
            throw new AddressRefusedException(context.DnsEndPoint.Host);
        context.InitialRequestMessage.Options.TryGetValue(s_gate, out ConnectionGate? gate);
        if (gate is { Stood: true })
            throw new IOException("The server closed the connection without an answer.");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, context.DnsEndPoint.Port, cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }

        gate?.Stood = true;
        return new NetworkStream(socket, ownsSocket: true);
    }
}

/// <summary>The one connection of a request.</summary>
internal sealed class ConnectionGate
{
    /// <summary>Whether it came to stand.</summary>
    public bool Stood { get; set; }
}

/// <summary>A name stands for addresses that are not public.</summary>
internal sealed class AddressRefusedException(string host)
    : IOException($"'{host}' is not on the public Internet, and this tool may not reach private networks.");
