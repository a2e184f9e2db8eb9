using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Steward.Budgets;
using Steward.Diagnostics;
using Steward.Orleans.Grains;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Orleans.Live;

/// <summary>Who follows which of this silo's runs. A run that nobody follows costs one look into a dictionary.</summary>
internal sealed class LiveTopics(StewardOrleansOptions options, ILogger<LiveTopics> logger) : IRunObserver
{
    private const int MostItems = 64;
    private readonly ConcurrentDictionary<(RunId Run, ILiveObserver Observer), LiveQueue> _followers = new();
    private readonly ConcurrentDictionary<RunId, int> _followed = new();

    public bool IsFollowed(RunId run) => _followed.ContainsKey(run);

    public void Follow(RunId run, ILiveObserver observer)
    {
        var queue = new LiveQueue(options.FollowQueue);
        if (!_followers.TryAdd((run, observer), queue))
            return;
        _followed.AddOrUpdate(run, 1, static (_, count) => count + 1);
        _ = Task.Run(() => SendAsync(run, observer, queue));
    }

    public void Leave(RunId run, ILiveObserver observer)
    {
        if (!_followers.TryRemove((run, observer), out LiveQueue? queue))
            return;
        queue.Complete();
        int left = _followed.AddOrUpdate(run, 0, static (_, count) => count - 1);
        if (left == 0)
            _followed.TryRemove(new KeyValuePair<RunId, int>(run, 0));
    }

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries) =>
        Publish(state.Run, new LiveItem(0, 0, null, state.Sequence, state.Status, 0));

    public void Delta(RunId run, int turn, int attempt, string text) => Publish(run, new LiveItem(turn, attempt, text, 0, default, 0));

    public void Alerted(RunState state, BudgetAlert alert)
    {
        // It is an event, too.
    }

    private void Publish(RunId run, LiveItem item)
    {
        if (!_followed.ContainsKey(run))
            return;
        foreach (((RunId Run, ILiveObserver Observer) follower, LiveQueue queue) in _followers)
        {
            if (follower.Run == run)
                queue.Add(item);
        }
    }

    /// <summary>One call at a time: meanwhile the queue fills, and drops.</summary>
    private async Task SendAsync(RunId run, ILiveObserver observer, LiveQueue queue)
    {
        List<LiveItem> items = [];
        try
        {
            while (await queue.WaitAsync(CancellationToken.None))
            {
                while (items.Count < MostItems && queue.TryTake(out LiveItem item))
                    items.Add(item);
                await observer.HearAsync([.. items]);
                items.Clear();
            }
        }
        catch (Exception e) when (GrainCalls.IsTrouble(e))
        {
            Log.FollowerGone(logger, run, e);
            Leave(run, observer);
        }
    }
}
