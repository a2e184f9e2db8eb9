using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Orleans.Grains;

/// <summary>Lets Orleans choose the silo of each run that is due.</summary>
/// <remarks>
/// A worker with room looks for what is due and wakes the grains of those runs, which Orleans places; the
/// grain's silo claims. Every silo does so, so a grain may be woken twice: the second finds it at work.
/// Where Orleans does not answer, the worker claims the run itself: the database decides who has it.
/// </remarks>
internal sealed class GrainPlacement(
    IStewardStore store,
    GrainCalls calls,
    ILocalSiloDetails silo,
    StewardOrleansOptions options,
    TimeProvider time,
    ILogger<GrainPlacement> logger)
    : IRunPlacement
{
    private readonly IDueRuns _due = store.GetService<IDueRuns>()
        ?? throw new StewardException(
            $"The store {store.GetType().Name} cannot say which runs are due, which Orleans needs to place them. Use the PostgreSQL store (UsePostgres).");

    private volatile bool _isUp;
    private HashSet<RunId> _refused = [];

    /// <summary>Whether the silo is a part of the cluster; before that, nothing can be placed.</summary>
    public bool IsUp
    {
        get => _isUp;
        set => _isUp = value;
    }

    public async ValueTask<bool> PlaceAsync(IRunWorker worker, ClaimRequest request, CancellationToken cancellationToken)
    {
        if (!IsUp)
            return false;
        IReadOnlyList<RunId> due = await _due.DueAsync(request, cancellationToken);
        WakeResult[] results = await Task.WhenAll(due.Select(run => PlaceAsync(worker, run, cancellationToken)));

        // What is still due at the next look, although its silo saw nothing to do, is not for that silo.
        _refused = [.. due.Where((_, i) => results[i] == WakeResult.Idle)];
        return results.Contains(WakeResult.Started);
    }

    private async Task<WakeResult> PlaceAsync(IRunWorker worker, RunId run, CancellationToken cancellationToken)
    {
        try
        {
            if (!_refused.Contains(run)
                && await WithinAsync(calls.Of(run).WakeAsync(), cancellationToken) is var result and not WakeResult.Full)
                return result;

            // Its silo has no use for it; this one, for which it was found, takes
            // it. The grain follows, so that what is sent to the run gets there.
            OfferOutcome outcome = (await worker.OfferAsync(run, cancellationToken)).Outcome;
            if (outcome == OfferOutcome.Started && await WithinAsync(calls.Of(run).MoveAsync(silo.SiloAddress), cancellationToken))
                await WithinAsync(calls.Of(run).WakeAsync(), cancellationToken);
            return ResultOf(outcome);
        }
        catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
        {
            // Whatever it was, there or on the way: it may have happened or not, and the database knows.
            Log.NotPlaced(logger, run, e);
            return ResultOf((await worker.OfferAsync(run, cancellationToken)).Outcome);
        }
    }

    private static WakeResult ResultOf(OfferOutcome outcome) => outcome == OfferOutcome.Started ? WakeResult.Started : WakeResult.Idle;

    private Task<T> WithinAsync<T>(Task<T> call, CancellationToken cancellationToken) =>
        call.WaitAsync(options.PlacementTimeout, time, cancellationToken);
}
