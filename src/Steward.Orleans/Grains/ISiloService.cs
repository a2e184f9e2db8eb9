using Orleans;
using Orleans.Services;

namespace Steward.Orleans.Grains;

/// <summary>A silo's worker, by the silo's address.</summary>
[Alias("steward.silo")]
internal interface ISiloService : IGrainService
{
    /// <summary>Looks at once what its runs should hear (switches, signals), and what is due.</summary>
    [Alias("look")]
    [ResponseTimeout("00:00:05")]
    Task LookAsync();
}
