using Steward.Journal;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Chooses which worker works on what is due; without it, each worker takes what it finds.</summary>
internal interface IRunPlacement
{
    /// <summary>Finds what is due and hands it to workers: this one or others, by <see cref="RunWorker.TakeAsync(RunId, CancellationToken)"/>.</summary>
    /// <param name="worker">The worker that has room.</param>
    /// <param name="request">What it would claim itself.</param>
    /// <param name="cancellationToken">The worker stops.</param>
    /// <returns>Whether a run was started, so that there may be more.</returns>
    ValueTask<bool> PlaceAsync(RunWorker worker, ClaimRequest request, CancellationToken cancellationToken);
}

/// <summary>What became of a run that was offered to a worker.</summary>
internal enum TakeResult
{
    /// <summary>It is not due, another worker holds it, or it is not for this worker.</summary>
    NotClaimable,

    /// <summary>The worker claimed it and works on it.</summary>
    Started,

    /// <summary>The worker was at work on it already.</summary>
    AtWork,

    /// <summary>The worker has no room, or is stopping.</summary>
    Full,
}

/// <summary>A run that was offered to a worker.</summary>
/// <param name="Result">What became of it.</param>
/// <param name="Work">Ends when the worker has left the run; never fails.</param>
internal readonly record struct TakenRun(TakeResult Result, Task Work);
