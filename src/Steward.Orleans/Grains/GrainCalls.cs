using System.Net.Sockets;
using Orleans;
using Orleans.Runtime;
using Steward.Journal;

namespace Steward.Orleans.Grains;

/// <summary>Calls to the grains of runs. They may fail, or time out and have happened all the same: nothing may depend on them.</summary>
internal sealed class GrainCalls(IGrainFactory grains)
{
    /// <summary>Whether Orleans could not carry a call: the cluster is being formed, a silo has gone, an answer did not come.</summary>
    public static bool IsTrouble(Exception e) =>
        e is OrleansException
            or TimeoutException
            or SocketException
            or IOException
            or ObjectDisposedException
            or InvalidOperationException
            or OperationCanceledException;

    public IRunGrain Of(RunId run) => grains.GetGrain<IRunGrain>(run.Value);

    public IEverySilo EverySilo => grains.GetGrain<IEverySilo>(0);
}
