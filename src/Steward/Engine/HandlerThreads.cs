namespace Steward.Engine;

/// <summary>Threads for code that is not ours: handlers, probes and validators. Runs work on the thread pool.</summary>
/// <remarks>
/// A handler that blocks holds one thread here and nobody up. What it goes on with after an <c>await</c> comes back here too,
/// unless it says <c>ConfigureAwait(false)</c>. Work gets an idle thread or a new one at once; at the limit it queues. Idle threads end.
/// </remarks>
internal sealed class HandlerThreads : TaskScheduler
{
    /// <summary>More than this many at once is a fault of a handler; further work then waits its turn.</summary>
    public const int Most = 1_024;

    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(2);

    private readonly object _gate = new();
    private readonly Queue<Task> _queue = new();
    private int _idle;

    /// <summary>How many threads there are now.</summary>
    public int Count { get; private set; }

    public override int MaximumConcurrencyLevel => Most;

    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            if (_queue.Count < _idle || Count == Most)
            {
                _queue.Enqueue(task);
                Monitor.Pulse(_gate);
                return;
            }

            Count++;
            try
            {
                new Thread(first => Work((Task)first!)) { IsBackground = true, Name = "Steward handler" }.UnsafeStart(task);
            }
            catch
            {
                Count--;
                throw; // The task was not queued: it is certain that it does not run.
            }
        }
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && Current == this && TryExecuteTask(task);

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_gate)
            return [.. _queue];
    }

    private void Work(Task first)
    {
        for (Task? task = first; task is not null; task = Next())
            TryExecuteTask(task);
    }

    private Task? Next()
    {
        lock (_gate)
        {
            _idle++;
            while (_queue.Count == 0)
            {
                if (Monitor.Wait(_gate, s_idle) || _queue.Count > 0)
                    continue;
                _idle--;
                Count--;
                return null;
            }

            _idle--;
            return _queue.Dequeue();
        }
    }
}
