using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Orleans;
using Steward.Client;
using Steward.Engine;
using Steward.Journal;
using Steward.Orleans.Grains;
using Steward.Storage;

namespace Steward.Orleans.Live;

/// <summary>Asks a run's silo to send, over and over, so that a takeover is survived;
/// ends with the run, which the store tells where the silo cannot.</summary>
internal sealed class RunStreams(
    IGrainFactory grains,
    GrainCalls calls,
    IStewardStore store,
    RunHub hub,
    StewardOrleansOptions options,
    TimeProvider time,
    ILogger<RunStreams> logger)
    : IRunStreams
{
    public async IAsyncEnumerable<RunUpdate> FollowAsync(RunId run, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var queue = new LiveQueue(options.FollowQueue);
        var receiver = new Receiver(run, queue, hub);
        ILiveObserver observer = grains.CreateObjectReference<ILiveObserver>(receiver);
        using var leaving = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        Task renewing = Task.Run(() => RenewAsync(run, observer, queue, leaving.Token), CancellationToken.None);
        try
        {
            bool ended = false;
            while (!ended && await queue.WaitAsync(cancellationToken))
            {
                while (!ended && queue.TryTake(out LiveItem item))
                {
                    if (item.Dropped > 0)
                        yield return new UpdatesDropped(item.Dropped);
                    yield return item.Update;
                    ended = item.Text is null && item.Status.IsTerminal();
                }
            }
        }
        finally
        {
            await leaving.CancelAsync();
            await renewing;
            await LeaveAsync(run, observer);
            GC.KeepAlive(receiver); // Orleans holds it weakly.
        }
    }

    /// <summary>Never fails: whatever it was is the follower's, who reads the queue.</summary>
    private async Task RenewAsync(RunId run, ILiveObserver observer, LiveQueue queue, CancellationToken cancellationToken)
    {
        try
        {
            while (!await IsOverAsync(run, queue, cancellationToken))
            {
                await AskAsync(run, observer, cancellationToken);
                await Task.Delay(options.FollowRenewal, time, cancellationToken);
            }

            queue.Complete();
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            queue.Complete(); // The follower has left.
        }
        catch (Exception e)
        {
            queue.Complete(e);
        }
    }

    private async ValueTask<bool> IsOverAsync(RunId run, LiveQueue queue, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.FindAsync(new RunQuery { Run = run, Limit = 1 }, cancellationToken) is not [var info])
                throw new StewardException($"There is no run {run}.");
            if (info.Status.IsTerminal())
                queue.Add(new LiveItem(0, 0, null, info.Sequence, info.Status, 0));
            return info.Status.IsTerminal();
        }
        catch (StoreException e)
        {
            Log.NotFollowing(logger, run, e);
            return false;
        }
    }

    private async Task AskAsync(RunId run, ILiveObserver observer, CancellationToken cancellationToken)
    {
        try
        {
            if (!await calls.Of(run).FollowAsync(observer).WaitAsync(cancellationToken))
                await calls.Of(run).FollowAsync(observer).WaitAsync(cancellationToken);
        }
        catch (Exception e) when (GrainCalls.IsTrouble(e))
        {
            cancellationToken.ThrowIfCancellationRequested();
            Log.NotFollowing(logger, run, e);
        }
    }

    /// <summary>The follower does not wait for a silo that does not answer.</summary>
    private async Task LeaveAsync(RunId run, ILiveObserver observer)
    {
        try
        {
            await calls.Of(run).LeaveAsync(observer).WaitAsync(options.PlacementTimeout, time);
        }
        catch (Exception e) when (GrainCalls.IsTrouble(e))
        {
            Log.NotLeft(logger, run, e);
        }

        grains.DeleteObjectReference<ILiveObserver>(observer);
    }

    private sealed class Receiver(RunId run, LiveQueue queue, RunHub hub) : ILiveObserver
    {
        public Task HearAsync(LiveItem[] items)
        {
            foreach (LiveItem item in items)
                queue.Add(item);
            if (items.Any(static i => i.Text is null))
                hub.Hint(run);
            return Task.CompletedTask;
        }
    }
}
