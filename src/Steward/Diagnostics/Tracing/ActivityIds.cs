using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Steward.Diagnostics.Tracing;

/// <summary>Gives an activity the ids that the journal derives.</summary>
/// <remarks>
/// A span's id must be known to its children before the span is finished, on other nodes and after a crash; .NET draws it at random and
/// has no public way to set it. So the private field is written, here alone. Where a runtime has no such field, the random id stays and the
/// children of that span do not find it; <see cref="IsSupported"/> says so, and a test fails.
/// The trace id of a root goes in through <see cref="Activity.TraceIdGenerator"/>: a sampler has to see it before there is an activity.
/// </remarks>
internal static class ActivityIds
{
    [ThreadStatic]
    private static ActivityTraceId? t_root;

    static ActivityIds()
    {
        Func<ActivityTraceId>? others = Activity.TraceIdGenerator;
        Activity.TraceIdGenerator = () => t_root ?? others?.Invoke() ?? ActivityTraceId.CreateRandom();
    }

    /// <summary>Whether this runtime lets a span's id be set.</summary>
    public static bool IsSupported { get; } = Probe();

    /// <summary>Sets the id of an activity that was started a moment ago, before anybody has read it.</summary>
    public static void Set(Activity activity, ActivitySpanId id)
    {
        if (IsSupported)
            SpanIdOf(activity) = id.ToHexString();
    }

    /// <summary>Begins activities without a parent in this trace, while <paramref name="begin"/> runs.</summary>
    public static T InTrace<T>(ActivityTraceId trace, Func<T> begin)
    {
        t_root = trace;
        try
        {
            return begin();
        }
        finally
        {
            t_root = null;
        }
    }

    private static bool Probe()
    {
        try
        {
            using Activity activity = new Activity("probe").SetIdFormat(ActivityIdFormat.W3C);
            Activity? current = Activity.Current;
            activity.Start();
            SpanIdOf(activity) = "00000000000000ff";
            bool isSet = activity.SpanId.ToHexString() == "00000000000000ff" && activity.Id!.Contains("-00000000000000ff-", StringComparison.Ordinal);
            activity.Stop();
            Activity.Current = current;
            return isSet;
        }
        catch (MissingFieldException)
        {
            return false;
        }
    }

    [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_spanId")]
    private static extern ref string? SpanIdOf(Activity activity);
}
