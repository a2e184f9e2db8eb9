using System.Collections.Concurrent;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>Tells waiters in this process that something happened, so that they need
/// not wait for their next poll. Only ever a hint: the store is the truth.</summary>
public sealed class RunHub : IRunObserver
{
    private readonly ConcurrentDictionary<RunId, Waiters> _changes = new();
    private readonly ConcurrentDictionary<RunId, Waiters> _settles = new();
    private readonly Waiters _work = new();

    /// <summary>Raised when this process has made a run claimable or sent it a signal; null stands for any run.</summary>
    /// <remarks>A relay carries it to the process that has the run. A handler returns at once and does not throw.</remarks>
    public event Action<RunId?>? Notified;

    /// <summary>Says that a run may have become claimable, or has a signal.</summary>
    public void Notify(RunId run)
    {
        Hint(run);
        Notified?.Invoke(run);
    }

    /// <summary>Says that any run may have become claimable, or have to stop.</summary>
    internal void NotifyAll()
    {
        Hint(null);
        Notified?.Invoke(null);
    }

    /// <summary>Wakes waiters of this process for something heard from another process or this worker; null stands for any run.</summary>
    /// <remarks>Unlike <see cref="Notify"/>, it is not relayed.</remarks>
    public void Hint(RunId? run)
    {
        _work.Release();
        if (run is not { } one)
            return;
        Wake(_changes, one);
        Wake(_settles, one);
    }

    /// <inheritdoc/>
    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(state);
        Wake(_changes, state.Run);
        if (state.Status.IsTerminal())
            Wake(_settles, state.Run, state);
        else if (state.Status == RunStatus.Awaiting)
            Wake(_settles, state.Run);
    }

    /// <summary>A task that ends when work may have come up. Take it before looking into the store.</summary>
    public Task NextWork() => _work.Next();

    /// <summary>A task that ends when a run may have changed. Take it before looking into the store.</summary>
    public Task NextChange(RunId run) => Next(_changes, run);

    /// <summary>A task that ends when a run may have ended or begun to wait;
    /// not at every commit. Take it before looking into the store.</summary>
    /// <returns>The state in which it ended, when this process ended it; null where the store has to be asked.</returns>
    public Task<RunState?> NextSettle(RunId run) => Next(_settles, run);

    /// <summary>Nobody waits for the run any more: what is kept for those who do can go. Who began to just now is told by a poll.</summary>
    internal void Forget(RunId run)
    {
        _changes.TryRemove(run, out _);
        _settles.TryRemove(run, out _);
    }

    private static Task<RunState?> Next(ConcurrentDictionary<RunId, Waiters> runs, RunId run) =>
        runs.GetOrAdd(run, static _ => new Waiters()).Next();

    private static void Wake(ConcurrentDictionary<RunId, Waiters> runs, RunId run, RunState? ended = null)
    {
        if (runs.TryRemove(run, out Waiters? waiters))
            waiters.Release(ended);
    }

    private sealed class Waiters
    {
        private TaskCompletionSource<RunState?> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<RunState?> Next() => Volatile.Read(ref _next).Task;

        public void Release(RunState? ended = null) =>
            Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult(ended);
    }
}
