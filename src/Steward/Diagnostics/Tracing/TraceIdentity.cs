using System.Diagnostics;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>The trace that a run belongs to, and its place there: all of it is in <c>run.started</c>.</summary>
/// <param name="Id">The caller's trace, or one derived from the root run.</param>
/// <param name="Parent">The span above the run's own: the caller's, or that of the parent run's call or step; all zeros for none.</param>
/// <param name="Caller">Where the caller of the root run stood.</param>
internal sealed record TraceIdentity(ActivityTraceId Id, ActivitySpanId Parent, ActivityContext? Caller)
{
    public static TraceIdentity Of(RunId run, RunStarted started)
    {
        ActivityContext? caller =
            started.Trace is { } trace && ActivityContext.TryParse(trace.Parent, trace.State, isRemote: true, out ActivityContext parsed)
                ? parsed
                : null;
        ActivityTraceId id = caller?.TraceId ?? SpanIds.TraceOf(started.Parent is { } above ? above.Ancestors[^1] : run);
        ActivitySpanId parent = started.Parent is { } direct ? SpanIds.OfChild(direct.Run, run) : caller?.SpanId ?? default;
        return new TraceIdentity(id, parent, caller);
    }
}
