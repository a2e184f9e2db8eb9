using System.Net;
using System.Net.Sockets;

namespace Steward.Orleans.Tests;

/// <summary>Free ports on loopback.</summary>
internal static class Ports
{
    public static (int Silo, int Gateway) Next()
    {
        using TcpListener one = new(IPAddress.Loopback, 0), two = new(IPAddress.Loopback, 0);
        one.Start();
        two.Start();
        return (((IPEndPoint)one.LocalEndpoint).Port, ((IPEndPoint)two.LocalEndpoint).Port);
    }
}
