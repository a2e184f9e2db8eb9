using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Concurrency;
using Orleans.Runtime;

namespace Steward.Orleans.Grains;

/// <summary>Tells every silo that is active. Wherever it is called from, it is there: no other silo's state stands between.</summary>
/// <remarks>A kill switch may be over many runs, so silos are told, not runs:
/// each looks into the database which of its own it concerns.</remarks>
[StatelessWorker]
internal sealed class EverySilo(SiloServices services, ISiloStatusOracle silos, ILogger<EverySilo> logger) : Grain, IEverySilo
{
    public async Task<int> LookAsync()
    {
        bool[] told = await Task.WhenAll(silos.GetApproximateSiloStatuses(onlyActive: true).Keys.Select(TellAsync));
        return told.Count(t => !t);
    }

    private async Task<bool> TellAsync(SiloAddress silo)
    {
        try
        {
            await services.On(silo).LookAsync();
            return true;
        }
        catch (Exception e) when (GrainCalls.IsTrouble(e))
        {
            Log.NotTold(logger, silo, e);
            return false;
        }
    }
}
