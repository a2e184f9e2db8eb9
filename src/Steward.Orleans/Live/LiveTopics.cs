using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Orleans.Live;

/// <summary>Who follows which of this silo's runs. A run that nobody follows costs one look into a dictionary.</summary>
internal sealed class LiveTopics(StewardOrleansOptions options, TimeProvider time, ILogger<LiveTopics> logger) : IRunObserver
{
    private const int MostItems = 64;

    // A follower renews once a minute at least (FollowRenewal). One that does not has gone without a word, or renews at another silo that
    // has the run now.
    private static readonly TimeSpan s_forgotten = TimeSpan.FromMinutes(3);

    private readonly Lock _changing = new();
    private readonly ConcurrentDictionary<RunId, Follower[]> _followers = new();

    public bool IsFollowed(RunId run) => _followers.ContainsKey(run);

    public void Follow(RunId run, ILiveObserver observer)
    {
        Follower follower;
        lock (_changing)
        {
            Follower[] there = _followers.GetValueOrDefault(run, []);
            if (there.FirstOrDefault(f => f.Observer.Equals(observer)) is { } known)
            {
                known.Patience.CancelAfter(s_forgotten);
                return;
            }

            follower = new Follower(observer, new LiveQueue(options.FollowQueue), new CancellationTokenSource(s_forgotten, time));
            _followers[run] = [.. there, follower];
        }

        _ = Task.Run(() => SendAsync(run, follower));
    }

    public void Leave(RunId run, ILiveObserver observer)
    {
        if (_followers.TryGetValue(run, out Follower[]? there) && there.FirstOrDefault(f => f.Observer.Equals(observer)) is { } follower)
            Remove(run, follower);
    }

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries) =>
        Publish(state.Run, new LiveItem(0, 0, null, state.Sequence, state.Status, 0));

    public void Delta(RunId run, int turn, int attempt, string text) => Publish(run, new LiveItem(turn, attempt, text, 0, default, 0));

    private void Publish(RunId run, LiveItem item)
    {
        if (!_followers.TryGetValue(run, out Follower[]? there))
            return;
        foreach (Follower follower in there)
            follower.Queue.Add(item);
    }

    private void Remove(RunId run, Follower follower)
    {
        lock (_changing)
        {
            Follower[] left = [.. _followers.GetValueOrDefault(run, []).Where(f => f != follower)];
            if (left is [])
                _followers.TryRemove(run, out _);
            else
                _followers[run] = left;
        }

        follower.Queue.Complete();
    }

    /// <summary>One call at a time: meanwhile the queue fills, and drops.</summary>
    private async Task SendAsync(RunId run, Follower follower)
    {
        List<LiveItem> items = [];
        try
        {
            while (await follower.Queue.WaitAsync(follower.Patience.Token))
            {
                while (items.Count < MostItems && follower.Queue.TryTake(out LiveItem item))
                    items.Add(item);
                await follower.Observer.HearAsync([.. items]);
                items.Clear();
            }
        }
        catch (OperationCanceledException) when (follower.Patience.IsCancellationRequested)
        {
            // It does not renew any more.
        }
        catch (Exception e)
        {
            // Whatever kept it from hearing: one that is there renews, and is followed by a new queue.
            Log.FollowerGone(logger, run, e);
        }
        finally
        {
            Remove(run, follower);
            follower.Patience.Dispose();
        }
    }

    private sealed record Follower(ILiveObserver Observer, LiveQueue Queue, CancellationTokenSource Patience);
}
