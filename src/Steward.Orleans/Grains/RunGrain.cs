using Microsoft.Extensions.Logging;
using Orleans;
using Orleans.Placement;
using Orleans.Runtime;
using Orleans.Runtime.Placement;
using Steward.Engine;
using Steward.Journal;
using Steward.Orleans.Live;
using Steward.Storage;

namespace Steward.Orleans.Grains;

/// <summary>A run's place in the cluster: claims it for this silo's worker, and stays for as long as that works on it.</summary>
/// <remarks>
/// It holds nothing: a run is its journal, and the database says who holds its epoch. If two activations exist, one of them
/// claims and the other finds nothing to claim. If the silo is cut off, its appends are fenced.
/// So the work is the worker's and not the grain's: it goes on when the activation goes, and ends when an append
/// fails, whatever Orleans believes. A grain may come up where the run is not (its silo was declared dead, a worker claimed the run without
/// Orleans). It then goes to the silo that the database names, so that signals and followers get there.
/// </remarks>
[Immovable]
[RunPlacement]
internal sealed class RunGrain(
    IRunWorker worker,
    LiveTopics topics,
    IStewardStore store,
    ILocalSiloDetails silo,
    ISiloStatusOracle silos,
    ILogger<RunGrain> logger)
    : Grain, IRunGrain
{
    private Task _work = Task.CompletedTask;

    private RunId Run => new(this.GetPrimaryKey());

    public async Task<WakeResult> WakeAsync()
    {
        RunOffer offer;
        try
        {
            offer = await worker.OfferAsync(Run, CancellationToken.None);
        }
        catch (StoreException e)
        {
            // Not thrown across the cluster: the caller has the database, as it would without this silo.
            Log.StoreTrouble(logger, Run, e);
            offer = new RunOffer(OfferOutcome.Full, Task.CompletedTask);
        }

        if (offer.Outcome is OfferOutcome.Started or OfferOutcome.AtWork && offer.Work != _work)
        {
            _work = offer.Work;
            DelayDeactivation(Timeout.InfiniteTimeSpan);
            _ = StayUntilAsync(offer.Work);
        }

        if (offer.Outcome == OfferOutcome.NotClaimable && await FollowHolderAsync())
            return WakeResult.Moved;
        GoIfIdle();
        return offer.Outcome switch
        {
            OfferOutcome.Started => WakeResult.Started,
            OfferOutcome.AtWork => WakeResult.AtWork,
            OfferOutcome.Full => WakeResult.Full,
            _ => WakeResult.Idle,
        };
    }

    /// <remarks>Deactivated, it would come up where it was: the others remember
    /// its address, and a silo creates what is addressed to it.</remarks>
    public Task<bool> MoveAsync(SiloAddress to)
    {
        if (!_work.IsCompleted || to.Equals(silo.SiloAddress))
            return Task.FromResult(false);
        RequestContext.Set(IPlacementDirector.PlacementHintKey, to);
        MigrateOnIdle();
        return Task.FromResult(true);
    }

    public async Task<bool> FollowAsync(ILiveObserver observer)
    {
        if (_work.IsCompleted && await FollowHolderAsync())
            return false;
        topics.Follow(Run, observer);
        return true;
    }

    public Task LeaveAsync(ILiveObserver observer)
    {
        topics.Leave(Run, observer);
        GoIfIdle();
        return Task.CompletedTask;
    }

    /// <summary>Ended, parked or lost: in each case the run has no place here any more, unless it has come back meanwhile.</summary>
    private async Task StayUntilAsync(Task work)
    {
        await work;
        if (work != _work)
            return;
        DelayDeactivation(TimeSpan.Zero);
        GoIfIdle();
    }

    private void GoIfIdle()
    {
        if (_work.IsCompleted && !topics.IsFollowed(Run))
            DeactivateOnIdle();
    }

    /// <returns>Whether another silo has the run, and the grain goes there.</returns>
    private async Task<bool> FollowHolderAsync()
    {
        try
        {
            return await store.FindAsync(new RunQuery { Run = Run, Limit = 1 }) is [{ Worker: { } holder }]
                && silos.GetApproximateSiloStatuses(onlyActive: true).Keys.FirstOrDefault(s => s.ToParsableString() == holder) is { } there
                && await MoveAsync(there);
        }
        catch (StoreException e)
        {
            Log.StoreTrouble(logger, Run, e);
            return false;
        }
    }
}
