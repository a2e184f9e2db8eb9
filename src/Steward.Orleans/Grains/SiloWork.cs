using Orleans;
using Orleans.Runtime;
using Steward.Engine;

namespace Steward.Orleans.Grains;

/// <summary>Begins to place runs when the silo is up, and drains the worker before the silo goes. Runs are then released while the others
/// can take them.</summary>
internal sealed class SiloWork(GrainPlacement placement, IRunWorker worker) : ILifecycleParticipant<ISiloLifecycle>
{
    public void Participate(ISiloLifecycle observer) =>
        observer.Subscribe(nameof(SiloWork), ServiceLifecycleStage.Active + 1, Begin, EndAsync);

    private Task Begin(CancellationToken cancellationToken)
    {
        placement.IsUp = true;
        return Task.CompletedTask;
    }

    private Task EndAsync(CancellationToken cancellationToken) => worker.StopAsync(cancellationToken);
}
