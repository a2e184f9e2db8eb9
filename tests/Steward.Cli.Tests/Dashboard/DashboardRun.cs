using System.Net;
using System.Net.Sockets;
using Steward.Cli.Dashboard;
using Steward.Cli.Tests.Commands;
using Steward.Tests.Shared;

namespace Steward.Cli.Tests.Dashboard;

/// <summary>A <c>steward traces</c> in a process of its own, with a cache that one test after the other uses.</summary>
internal sealed class DashboardRun : IDisposable
{
    private DashboardRun(CliProcess process, DashboardAddress address)
    {
        Process = process;
        Address = address;
    }

    /// <summary>Beside the builds, so that the package is fetched once for all runs of the tests.</summary>
    public static DashboardCache Cache { get; } = new(Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, "..", "..", "..", "dashboard")));

    public static Dictionary<string, string> Variables { get; } = new() { [DashboardCache.Variable] = Cache.Folder };

    public CliProcess Process { get; }

    public DashboardAddress Address { get; }

    /// <summary>Starts one and waits until it takes traces; skips the test where there is no package.</summary>
    public static async Task<DashboardRun> StartAsync()
    {
        using TcpListener page = Listen(), otlp = Listen();
        string[] args = ["traces", "--port", Port(page), "--otlp-port", Port(otlp)];
        page.Stop();
        otlp.Stop();
        CliProcess process = CliProcess.Start(Path.GetTempPath(), Variables, args);
        await CliProcess.UntilAsync(() => process.Output.Contains("traces at", StringComparison.Ordinal) || process.HasExited);
        if (process.HasExited)
        {
            CliResult result = await process.EndAsync();
            Requirement.Dashboard(result.Error);
            Assert.Fail(result.Error);
        }

        DashboardAddress address = DashboardAddress.Read(Cache) ?? throw new InvalidOperationException("It wrote no address.");
        return new DashboardRun(process, address);
    }

    /// <summary>A listener on a port that was free.</summary>
    public static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return listener;
    }

    public static string Port(TcpListener listener) => $"{((IPEndPoint)listener.LocalEndpoint).Port}";

    /// <summary>Waits until nothing listens where the dashboard took traces.</summary>
    public async Task IsGoneAsync() => await CliProcess.UntilAsync(() =>
    {
        using var client = new TcpClient();
        try
        {
            client.Connect(IPAddress.Loopback, Address.Endpoint.Port);
            return false;
        }
        catch (SocketException)
        {
            return true;
        }
    });

    public void Dispose() => Process.Dispose();
}
