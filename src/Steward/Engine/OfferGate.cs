namespace Steward.Engine;

/// <summary>Admits runs that others offer to a worker: no more than it has room for, and none once the gate is closed.</summary>
internal sealed class OfferGate
{
    private readonly Lock _lock = new();
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _open;
    private int _inside;

    public void Open()
    {
        lock (_lock)
            _open = true;
    }

    /// <param name="room">
    /// Counts the free places. The gate asks under its lock: an earlier
    /// count misses an offer that has left the gate since then and runs now.
    /// </param>
    public bool TryEnter(Func<int> room)
    {
        lock (_lock)
        {
            if (!_open || _inside >= room())
                return false;
            _inside++;
            return true;
        }
    }

    public void Leave()
    {
        lock (_lock)
        {
            if (--_inside == 0 && !_open)
                _empty.TrySetResult();
        }
    }

    /// <summary>Admits nothing more, and waits for the offers that are inside.</summary>
    public Task CloseAsync()
    {
        lock (_lock)
        {
            _open = false;
            if (_inside == 0)
                _empty.TrySetResult();
        }

        return _empty.Task;
    }
}
