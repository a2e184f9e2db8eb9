using Steward.Engine;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Client;

/// <summary>Asks the store about all the runs that somebody in this process waits for: at each poll one question for all of them.</summary>
/// <remarks>When the host stops, all waiting ends: a process shall not hang on runs that go on elsewhere, or later.</remarks>
internal sealed class RunPoll(IStewardStore store, RunHub hub, TimeSpan interval, TimeProvider time, CancellationToken stopping = default)
{
    /// <summary>The most runs in one query.</summary>
    private const int Chunk = 500;

    private readonly Lock _lock = new();
    private readonly Dictionary<RunId, Waited> _waited = [];
    private bool _isPolling;

    /// <summary>Has a run asked about until what is returned is disposed of.</summary>
    public Waiting Join(RunId run)
    {
        lock (_lock)
        {
            if (!_waited.TryGetValue(run, out Waited? waited))
                _waited.Add(run, waited = new Waited());
            waited.Waiters++;
            if (!_isPolling)
            {
                _isPolling = true;
                using (ExecutionContext.SuppressFlow()) // It is nobody's in particular.
                    _ = Task.Run(PollAsync);
            }

            return new Waiting(this, run, waited);
        }
    }

    /// <summary>Waits for a change that was heard of, or for the next poll.</summary>
    /// <returns>Which of the two came first.</returns>
    /// <exception cref="OperationCanceledException">The caller cancels, or the host stops.</exception>
    public async Task<Task> FirstAsync(Task change, Task polled, CancellationToken cancellationToken)
    {
        Task<Task> first = Task.WhenAny(change, polled).WaitAsync(cancellationToken);
        if (!stopping.CanBeCanceled)
            return await first;
        try
        {
            return await first.WaitAsync(stopping);
        }
        catch (OperationCanceledException e) when (stopping.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new OperationCanceledException(
                "The host stops, so nobody waits here any more. The run is kept; wait for it by its id.",
                e,
                stopping);
        }
    }

    private void Leave(RunId run, Waited waited)
    {
        lock (_lock)
        {
            if (--waited.Waiters > 0)
                return;
            _waited.Remove(run);
        }

        hub.Forget(run);
    }

    private async Task PollAsync()
    {
        while (true)
        {
            await Task.Delay(interval, time);
            KeyValuePair<RunId, Waited>[] all;
            lock (_lock)
            {
                if (_waited.Count == 0)
                {
                    _isPolling = false;
                    return;
                }

                all = [.. _waited];
            }

            foreach (KeyValuePair<RunId, Waited>[] chunk in all.Chunk(Chunk))
                await AskAsync(chunk);
        }
    }

    private async Task AskAsync(KeyValuePair<RunId, Waited>[] chunk)
    {
        try
        {
            RunId[] runs = [.. chunk.Select(one => one.Key)];
            var query = new RunQuery { Runs = runs, Limit = runs.Length };
            Dictionary<RunId, RunLook> found =
                (await RunLook.FindAsync(store, query, CancellationToken.None)).ToDictionary(look => look.Info.Run);
            foreach ((RunId run, Waited waited) in chunk)
                waited.Renew().TrySetResult(found.GetValueOrDefault(run));
        }
        catch (Exception e)
        {
            foreach ((_, Waited waited) in chunk)
                waited.Renew().TrySetException(e);
        }
    }

    /// <summary>A run that is waited for.</summary>
    internal sealed class Waited
    {
        private TaskCompletionSource<RunLook?> _next = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Waiters { get; set; }

        public Task<RunLook?> Next => Volatile.Read(ref _next).Task;

        public TaskCompletionSource<RunLook?> Renew() =>
            Interlocked.Exchange(ref _next, new(TaskCreationOptions.RunContinuationsAsynchronously));
    }

    /// <summary>One who waits.</summary>
    internal readonly struct Waiting(RunPoll poll, RunId run, Waited waited) : IDisposable
    {
        /// <summary>The run as the next poll finds it; null when there is no such run. Fails as the store does.</summary>
        public Task<RunLook?> Next => waited.Next;

        public void Dispose() => poll.Leave(run, waited);
    }
}
