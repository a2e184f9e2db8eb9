namespace Steward.Engine;

/// <summary>Lets in what others offer to a worker: no more than there is room for, and nothing once it is closed.</summary>
internal sealed class Doorway
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

    /// <param name="room">How many there is room for. It is asked in here: before, one that was in the doorway may have come in since, and would be counted neither there nor here.</param>
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

    /// <summary>Lets nothing in any more, and waits for those that are in the doorway.</summary>
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
