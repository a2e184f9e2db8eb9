using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Orleans.Runtime.Services;
using Steward.Engine;

namespace Steward.Orleans.Grains;

/// <summary>Wakes this silo's worker when another process says so.</summary>
internal sealed class SiloService(GrainId id, Silo silo, ILoggerFactory loggers, RunHub hub) : GrainService(id, silo, loggers), ISiloService
{
    public Task LookAsync()
    {
        hub.Hint(null);
        return Task.CompletedTask;
    }
}

/// <summary>The services of the other silos, for code in a silo.</summary>
internal sealed class SiloServices(IServiceProvider services) : GrainServiceClient<ISiloService>(services)
{
    public ISiloService On(SiloAddress silo) => GetGrainService(silo);
}
