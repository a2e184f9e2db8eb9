// A silo of a test cluster: works on runs of the scripted agents until it is stopped or killed.
// Connection string, schema, silo port, gateway port, lease in seconds; the port at which it really listens, and probes that it may miss.
using System.Globalization;
using System.Net;
using Microsoft.Extensions.Hosting;
using Orleans.Configuration;
using Orleans.Hosting;
using Steward.OrleansHost;

IHost host = TestSilo.Build(
    connectionString: args[0],
    schema: args[1],
    siloPort: int.Parse(args[2], CultureInfo.InvariantCulture),
    gatewayPort: int.Parse(args[3], CultureInfo.InvariantCulture),
    configure: o => o.LeaseDuration = TimeSpan.FromSeconds(double.Parse(args[4], CultureInfo.InvariantCulture)),
    orleans: o =>
    {
        if (args.Length < 7)
            return;
        o.MissedProbes = int.Parse(args[6], CultureInfo.InvariantCulture);
        var listening = new IPEndPoint(IPAddress.Loopback, int.Parse(args[5], CultureInfo.InvariantCulture));
        o.ConfigureSilo = silo => silo.Configure<EndpointOptions>(e => e.SiloListeningEndpoint = listening);
    });
await host.StartAsync();
Console.WriteLine("ready");
await host.WaitForShutdownAsync();
