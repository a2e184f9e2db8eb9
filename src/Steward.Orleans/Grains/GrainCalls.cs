using System.Net.Sockets;
using Orleans;
using Orleans.Runtime;
using Orleans.Runtime.Placement;
using Steward.Runs;

namespace Steward.Orleans.Grains;

/// <summary>Calls to the grains of runs. They may fail, or time out and have happened all the same: nothing may depend on them.</summary>
internal sealed class GrainCalls(IGrainFactory grains)
{
    /// <summary>Whether Orleans could not carry a call: the cluster is being formed, a silo has gone, an answer did not come.</summary>
    public static bool IsTrouble(Exception e) =>
        e is OrleansException or TimeoutException or SocketException or IOException or ObjectDisposedException or InvalidOperationException or OperationCanceledException;

    public IRunGrain Of(RunId run) => grains.GetGrain<IRunGrain>(run.Value);

    /// <summary>Wakes a run, at its place or, where it has none yet, at the one that is wanted.</summary>
    public async Task<WakeResult> WakeAsync(RunId run, SiloAddress? wanted = null)
    {
        // Gone again when this method returns: a request's context is that of the method's own flow.
        if (wanted is not null)
            RequestContext.Set(IPlacementDirector.PlacementHintKey, wanted);
        return await Of(run).WakeAsync();
    }
}
