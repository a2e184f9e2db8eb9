using Orleans;

namespace Steward.Orleans.Grains;

/// <summary>All silos at once, from any process of the cluster. Its key means nothing.</summary>
[Alias("steward.every")]
internal interface IEverySilo : IGrainWithIntegerKey
{
    /// <summary>Makes each silo look at once, as <see cref="ISiloService.LookAsync"/>.</summary>
    /// <returns>How many silos did not answer; polling is behind them.</returns>
    [Alias("look")]
    [ResponseTimeout("00:00:10")]
    Task<int> LookAsync();
}
