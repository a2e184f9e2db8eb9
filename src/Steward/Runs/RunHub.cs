using System.Collections.Concurrent;
using Steward.Diagnostics;
using Steward.Storage;

namespace Steward.Runs;

/// <summary>Tells waiters in this process that something happened, so that they need not wait for their next poll. Only ever a hint: the store is the truth.</summary>
public sealed class RunHub : IRunObserver
{
    private readonly ConcurrentDictionary<RunId, Waiters> _runs = new();
    private readonly Waiters _work = new();

    /// <summary>Says that a run may have become claimable, or has a signal.</summary>
    public void Notify(RunId run)
    {
        _work.Release();
        Wake(run);
    }

    /// <inheritdoc/>
    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        ArgumentNullException.ThrowIfNull(state);
        Wake(state.Run);
    }

    /// <inheritdoc/>
    public void Delta(RunId run, int turn, int attempt, string text)
    {
    }

    /// <inheritdoc/>
    public void Alerted(RunState state, BudgetAlert alert)
    {
    }

    /// <summary>A task that ends when work may have come up. Take it before looking into the store.</summary>
    public Task NextWork() => _work.Next();

    /// <summary>A task that ends when a run may have changed. Take it before looking into the store.</summary>
    public Task NextChange(RunId run) => _runs.GetOrAdd(run, static _ => new Waiters()).Next();

    private void Wake(RunId run)
    {
        if (_runs.TryRemove(run, out Waiters? waiters))
            waiters.Release();
    }

    private sealed class Waiters
    {
        private TaskCompletionSource _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Next() => Volatile.Read(ref _next).Task;

        public void Release() =>
            Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
    }
}
