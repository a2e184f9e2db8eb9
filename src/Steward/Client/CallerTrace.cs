using System.Diagnostics;
using Steward.Journal;

namespace Steward.Client;

/// <summary>Where the caller stands in a trace: the ambient activity, so that
/// a run and its signals join the trace of their caller.</summary>
internal static class CallerTrace
{
    /// <summary>The caller's place; null when nobody traces.</summary>
    public static TraceContext? Current =>
        Activity.Current is { IdFormat: ActivityIdFormat.W3C, Id: { } id } activity
            ? new TraceContext(id, activity.TraceStateString)
            : null;
}
