using Steward.Journal;

namespace Steward.Engine;

/// <summary>This process's worker, for a placement that decides which worker takes a run.</summary>
public interface IRunWorker
{
    /// <summary>The worker's name in leases.</summary>
    string Name { get; }

    /// <summary>Offers a run to this worker, which claims it when it is due and fits. A worker that is already at work on the run looks at
    /// the inbox.</summary>
    /// <exception cref="Storage.StoreException">The store does not answer.</exception>
    Task<RunOffer> OfferAsync(RunId run, CancellationToken cancellationToken = default);

    /// <summary>Claims nothing more, lets actions in flight end within the drain time, and gives every run back.</summary>
    Task StopAsync(CancellationToken cancellationToken = default);
}

/// <summary>A run that was offered to a worker.</summary>
/// <param name="Outcome">What became of the offer.</param>
/// <param name="Work">Ends when the worker has left the run; never fails.</param>
public readonly record struct RunOffer(OfferOutcome Outcome, Task Work);

/// <summary>What became of a run that was offered to a worker.</summary>
public enum OfferOutcome
{
    /// <summary>The run is not due, another worker holds it, or it is not for this worker.</summary>
    NotClaimable,

    /// <summary>The worker claimed the run and works on it.</summary>
    Started,

    /// <summary>The worker was at work on the run already.</summary>
    AtWork,

    /// <summary>The worker has no room, or is stopping.</summary>
    Full,
}
