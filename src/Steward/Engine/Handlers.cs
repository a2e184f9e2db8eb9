using System.Collections.Concurrent;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Where handlers run, and how many of their calls were given up and have not come back.</summary>
/// <param name="mostAbandoned">Given-up calls of one tool, from which on it is not called.</param>
/// <param name="onThreads">Whether handlers run on threads of their own; otherwise on the caller's, as a simulation wants it.</param>
internal sealed class Handlers(int mostAbandoned, bool onThreads = true)
{
    private readonly HandlerThreads? _threads = onThreads ? new HandlerThreads() : null;
    private readonly ConcurrentDictionary<(string Agent, string Tool), int> _abandoned = new();

    /// <summary>How many calls were given up and are still at work.</summary>
    public int Abandoned => _abandoned.Values.Sum();

    /// <summary>How many calls of a tool were given up and are still at work.</summary>
    public int AbandonedOf(ToolContext call) => _abandoned.GetValueOrDefault(KeyOf(call));

    /// <summary>Whether so many calls of a tool hang that it is not called any more.</summary>
    public bool IsFull(ToolContext call) => AbandonedOf(call) >= mostAbandoned;

    /// <summary>Begins work off the caller's thread.</summary>
    public Task<T> StartAsync<T>(Func<ValueTask<T>> work) => _threads is null
        ? work().AsTask()
        : Task.Factory.StartNew(
            () => work().AsTask(), CancellationToken.None, TaskCreationOptions.DenyChildAttach, _threads).Unwrap();

    /// <summary>Tells a call to stop, off the caller's thread: what the call registered for that moment is not ours either.</summary>
    public void Cancel(CancellationTokenSource source)
    {
        if (_threads is null)
            Cancelled(source);
        else
            _ = Task.Factory.StartNew(
                static s => Cancelled((CancellationTokenSource)s!),
                source,
                CancellationToken.None,
                TaskCreationOptions.DenyChildAttach,
                _threads);
    }

    /// <summary>Counts a call as given up until it comes back.</summary>
    /// <returns>How many calls of its tool are given up now.</returns>
    public int Abandon(ToolContext call, Task work)
    {
        (string Agent, string Tool) key = KeyOf(call);
        int count = _abandoned.AddOrUpdate(key, 1, static (_, before) => before + 1);
        _ = work.ContinueWith(
            _ => Forget(key),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return count;
    }

    private static void Cancelled(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException)
        {
            // A callback of the handler's threw. The call goes on, or it does not; it is waited for either way.
        }
    }

    private void Forget((string Agent, string Tool) key)
    {
        while (_abandoned.TryGetValue(key, out int count))
        {
            if (count > 1 ? _abandoned.TryUpdate(key, count - 1, count) : _abandoned.TryRemove(new(key, count)))
                return;
        }
    }

    private static (string Agent, string Tool) KeyOf(ToolContext call) => (call.Agent, call.Tool);
}

/// <summary>Whether a call's handler was entered: before that, it is certain that nothing happened.</summary>
/// <param name="mayEnter">What must hold at that moment; null for nothing.</param>
internal sealed class HandlerEntry(Func<bool>? mayEnter = null)
{
    private const int Waiting = 0, Entered = 1, GivenUp = 2;

    private int _state;

    /// <summary>Whether the handler was entered.</summary>
    public bool IsEntered => Volatile.Read(ref _state) == Entered;

    /// <summary>Whether the handler was held back: nobody waited for it any more, or it might not be entered.</summary>
    public bool IsHeldBack => Volatile.Read(ref _state) == GivenUp;

    /// <summary>Lets the handler be entered next; false when nobody waits for it any more, or what must hold does not.</summary>
    public bool TryEnter()
    {
        if (mayEnter is null || mayEnter())
            return Interlocked.CompareExchange(ref _state, Entered, Waiting) == Waiting;
        TryGiveUp();
        return false;
    }

    /// <summary>Gives up a call that was not entered, and will not be; false when it was.</summary>
    public bool TryGiveUp() => Interlocked.CompareExchange(ref _state, GivenUp, Waiting) == Waiting;
}
