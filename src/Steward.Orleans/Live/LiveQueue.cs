using System.Threading.Channels;

namespace Steward.Orleans.Live;

/// <summary>A bounded queue that drops its oldest items and says so with the next one that is read.</summary>
internal sealed class LiveQueue
{
    private readonly Channel<LiveItem> _channel;
    private int _dropped;

    public LiveQueue(int capacity) =>
        _channel = Channel.CreateBounded<LiveItem>(
            new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest },
            item => Interlocked.Add(ref _dropped, 1 + item.Dropped));

    public void Add(LiveItem item) => _channel.Writer.TryWrite(item);

    /// <param name="error">What a waiting reader is told, after what is there.</param>
    public void Complete(Exception? error = null) => _channel.Writer.TryComplete(error);

    /// <returns>False when the queue was completed and is empty.</returns>
    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _channel.Reader.WaitToReadAsync(cancellationToken);

    public bool TryTake(out LiveItem item)
    {
        if (!_channel.Reader.TryRead(out item))
            return false;
        item = item with { Dropped = item.Dropped + Interlocked.Exchange(ref _dropped, 0) };
        return true;
    }
}
