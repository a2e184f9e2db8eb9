namespace Steward.Providers;

/// <summary>The time that is left for one call; each wait within it may have a shorter limit of its own.</summary>
internal sealed class Deadline(TimeSpan timeout, TimeProvider time) : IDisposable
{
    // Made with the provider's clock and no delay yet, so that CancelAfter runs on that clock too.
    private readonly CancellationTokenSource _timer = new(Timeout.InfiniteTimeSpan, time);
    private readonly long _start = time.GetTimestamp();

    /// <summary>Starts a wait: its token ends with the caller's, after the limit, or when the call's time is over.</summary>
    public Wait Start(TimeSpan limit, CancellationToken cancellationToken)
    {
        _timer.CancelAfter(Shortest(limit));
        return new Wait(_timer, CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, _timer.Token));
    }

    public void Dispose() => _timer.Dispose();

    private TimeSpan Shortest(TimeSpan limit)
    {
        var left = timeout - time.GetElapsedTime(_start);
        if (left < TimeSpan.Zero)
            left = TimeSpan.Zero;

        return limit == Timeout.InfiniteTimeSpan || left < limit ? left : limit;
    }

    /// <summary>One wait. Its end stops the timer, so that a slow consumer does not count as a silent provider.</summary>
    public readonly struct Wait(CancellationTokenSource timer, CancellationTokenSource linked) : IDisposable
    {
        public CancellationToken Token => linked.Token;

        public void Dispose()
        {
            linked.Dispose();
            timer.CancelAfter(Timeout.InfiniteTimeSpan);
        }
    }
}
