namespace Steward.TimeTravel;

/// <summary>The time of a replay: that of the entry which was recorded next. Nothing ever times out in it.</summary>
internal sealed class ReplayClock : TimeProvider
{
    private DateTimeOffset _now;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>An entry's time is cut to whole milliseconds; what was decided before it was decided within that millisecond.</summary>
    public void Set(DateTimeOffset recorded) => _now = recorded + TimeSpan.FromMilliseconds(1) - TimeSpan.FromTicks(1);

    public override DateTimeOffset GetUtcNow() => _now;

    public override long GetTimestamp() => 0;

    /// <summary>A back-off of nothing is over at once; whatever waits for longer waits for something that did not happen.</summary>
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        ArgumentNullException.ThrowIfNull(callback);
        if (dueTime == TimeSpan.Zero)
            callback(state);
        return new Timer();
    }

    private sealed class Timer : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => default;
    }
}
