using System.Net;
using System.Net.Sockets;

namespace Steward.Cli.Dashboard;

/// <summary>Where a dashboard listens, on this machine's own address only.</summary>
/// <param name="Page">The port of its page.</param>
/// <param name="Otlp">The port that takes traces and metrics: OTLP over HTTP.</param>
internal sealed record DashboardPorts(int Page, int Otlp)
{
    public const int DefaultPage = 18_888;

    /// <summary>How far the second port lies above the first one: as the dashboard's own defaults do.</summary>
    private const int Apart = 2;

    /// <exception cref="UsageException">One is out of range or taken.</exception>
    public static DashboardPorts Choose(int page, int? otlp)
    {
        var ports = new DashboardPorts(page, otlp ?? page + Apart);
        Check("--port", ports.Page);
        Check("--otlp-port", ports.Otlp);
        return ports.Page != ports.Otlp
            ? ports
            : throw new UsageException($"--port and --otlp-port are both {page}. Give two ports.");
    }

    private static void Check(string option, int port)
    {
        if (port is < 1 or > IPEndPoint.MaxPort)
            throw new UsageException($"{option} is {port}; it must be from 1 to {IPEndPoint.MaxPort}.");
        try
        {
            using var listener = new TcpListener(IPAddress.Loopback, port);
            listener.Start();
        }
        catch (SocketException e)
        {
            throw new UsageException(
                e.SocketErrorCode == SocketError.AddressAlreadyInUse
                    ? $"Port {port} is taken on 127.0.0.1. Give another one with {option}."
                    : $"Port {port} cannot be used: {e.Message}. Give another one with {option}.");
        }
    }
}
