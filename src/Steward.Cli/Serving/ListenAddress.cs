using System.Globalization;
using System.Net;

namespace Steward.Cli.Serving;

/// <summary>Where the server listens.</summary>
internal sealed record ListenAddress(IPAddress Address, int Port)
{
    public const string Default = "127.0.0.1:8080";

    public bool IsLoopback => IPAddress.IsLoopback(Address);

    /// <summary>Reads <c>ADDRESS:PORT</c>, or <c>PORT</c> for this machine alone.</summary>
    /// <exception cref="UsageException">It is neither.</exception>
    public static ListenAddress Parse(string text)
    {
        int colon = text.LastIndexOf(':');
        string host = colon < 0 ? "localhost" : text[..colon], port = text[(colon + 1)..];
        IPAddress? address = host switch
        {
            "localhost" => IPAddress.Loopback,
            "*" => IPAddress.IPv6Any,
            ['[', .., ']'] => IPAddress.TryParse(host[1..^1], out IPAddress? six) ? six : null,
            _ => host.Contains('.', StringComparison.Ordinal) && IPAddress.TryParse(host, out IPAddress? four) ? four : null,
        };
        return address is not null
            && int.TryParse(port, NumberStyles.None, CultureInfo.InvariantCulture, out int number)
            && number <= IPEndPoint.MaxPort
            ? new ListenAddress(address, number)
            : throw new UsageException(
                $"--listen is '{text}'; write ADDRESS:PORT, for example {Default}, [::1]:8080, 0.0.0.0:8080 or *:8080 (all addresses), or a port alone for this machine.");
    }

    public override string ToString() => new IPEndPoint(Address, Port).ToString();
}
