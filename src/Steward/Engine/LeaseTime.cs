namespace Steward.Engine;

/// <summary>A moment from which a lease counts, on both clocks of this machine.</summary>
/// <remarks>A class: one thread renews it while others read it, and a reference is never half written.</remarks>
internal sealed record LeaseTime(long Stamp, DateTimeOffset Wall)
{
    public static LeaseTime Now(TimeProvider time) => new(time.GetTimestamp(), time.GetUtcNow());

    /// <summary>The greater age of the two.</summary>
    public TimeSpan Age(TimeProvider time)
    {
        TimeSpan monotonic = time.GetElapsedTime(Stamp), wall = time.GetUtcNow() - Wall;
        return monotonic > wall ? monotonic : wall;
    }
}
