using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Chooses which worker works on what is due; without it, each worker takes what it finds.</summary>
public interface IRunPlacement
{
    /// <summary>Finds the runs that are due and offers them to workers, this
    /// one or others, by <see cref="IRunWorker.OfferAsync"/>.</summary>
    /// <param name="worker">The worker that has room.</param>
    /// <param name="request">What it would claim itself.</param>
    /// <param name="cancellationToken">The worker stops.</param>
    /// <returns>Whether a run was started, so that there may be more.</returns>
    ValueTask<bool> PlaceAsync(IRunWorker worker, ClaimRequest request, CancellationToken cancellationToken);
}
