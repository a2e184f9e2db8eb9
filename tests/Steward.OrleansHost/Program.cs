// A silo of a test cluster: works on runs of the scripted agents until it is stopped or killed.
using System.Globalization;
using Microsoft.Extensions.Hosting;
using Steward.OrleansHost;

IHost host = TestSilo.Build(
    connectionString: args[0],
    schema: args[1],
    siloPort: int.Parse(args[2], CultureInfo.InvariantCulture),
    gatewayPort: int.Parse(args[3], CultureInfo.InvariantCulture),
    configure: o => o.LeaseDuration = TimeSpan.FromSeconds(double.Parse(args[4], CultureInfo.InvariantCulture)));
await host.StartAsync();
Console.WriteLine("ready");
await host.WaitForShutdownAsync();
