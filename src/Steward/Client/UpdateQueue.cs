using System.Diagnostics.CodeAnalysis;
using System.Threading.Channels;

namespace Steward.Client;

/// <summary>A bounded queue for one follower: it drops its oldest updates and counts them.</summary>
internal sealed class UpdateQueue
{
    private readonly Channel<RunUpdate> _channel;
    private int _dropped;

    public UpdateQueue(int capacity) =>
        _channel = Channel.CreateBounded<RunUpdate>(
            new BoundedChannelOptions(capacity) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true },
            _ => Interlocked.Increment(ref _dropped));

    public void Add(RunUpdate update) => _channel.Writer.TryWrite(update);

    public ValueTask<bool> WaitAsync(CancellationToken cancellationToken) => _channel.Reader.WaitToReadAsync(cancellationToken);

    /// <param name="update">The oldest update that is left.</param>
    /// <param name="dropped">How many were dropped before it, since the last one that was taken.</param>
    public bool TryTake([NotNullWhen(true)] out RunUpdate? update, out int dropped)
    {
        bool taken = _channel.Reader.TryRead(out update);
        dropped = taken ? Interlocked.Exchange(ref _dropped, 0) : 0;
        return taken;
    }
}
