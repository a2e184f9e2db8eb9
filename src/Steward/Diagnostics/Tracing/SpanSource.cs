using System.Collections.Concurrent;
using System.Diagnostics;
using Steward.Journal;

namespace Steward.Diagnostics.Tracing;

/// <summary>Gives finished spans to whoever listens to the activity source <c>Steward</c>, with the ids and times of the journal.</summary>
/// <remarks>
/// Samplers, processors and exporters are the listener's. A sampler decides once for a trace, by the derived trace id or by the caller's
/// flags, and so alike on every node; the spans below get its decision as their parent's flag.
/// </remarks>
public sealed class SpanSource : IDisposable
{
    /// <summary>The name of the activity source.</summary>
    public const string Name = "Steward";

    private const int MostDecisions = 10_000;

    private readonly ActivitySource _source = new(Name, typeof(SpanSource).Assembly.GetName().Version?.ToString(3));
    private readonly ConcurrentDictionary<ActivityTraceId, bool> _sampled = new();

    /// <summary>Whether anybody listens.</summary>
    public bool HasListeners => _source.HasListeners();

    /// <summary>Gives a span to the listeners.</summary>
    /// <returns>False when a sampler left it out, or nobody listens.</returns>
    public bool Write(RunSpan span) => Write(span, null);

    /// <inheritdoc/>
    public void Dispose() => _source.Dispose();

    /// <param name="span">The span.</param>
    /// <param name="ambient">The activity that was current during the call, whose tags become the span's.</param>
    internal bool Write(RunSpan span, Activity? ambient)
    {
        ArgumentNullException.ThrowIfNull(span);
        if (!HasListeners)
            return false;
        Activity? current = Activity.Current;
        Activity.Current = null;
        try
        {
            Activity? activity = ActivityIds.InTrace(span.TraceId, () =>
            {
                Activity? made = _source.CreateActivity(span.Name, span.Kind, ParentOf(span), span.Attributes, span.Links);
                made?.SetStartTime(span.Start.UtcDateTime).Start();
                return made;
            });
            if (activity is null)
                return false;
            ActivityIds.Set(activity, span.SpanId);
            foreach (ActivityEvent happened in span.Events)
                activity.AddEvent(happened);
            foreach ((string key, object? value) in ambient?.TagObjects ?? [])
                activity.SetTag(key, value);
            if (span.Status != ActivityStatusCode.Unset)
                activity.SetStatus(span.Status, span.StatusDescription);
            activity.SetEndTime(span.End.UtcDateTime);
            activity.Stop();
            return true;
        }
        finally
        {
            Activity.Current = current;
        }
    }

    /// <summary>Whether the trace of a run is sampled.</summary>
    internal bool IsSampled(RunId run, RunStarted started)
    {
        var trace = TraceIdentity.Of(run, started);
        return IsSampled(trace.Id, trace.Caller, $"invoke_agent {started.Agent}");
    }

    private ActivityContext ParentOf(RunSpan span) => span switch
    {
        { HasCallerAsParent: true, Caller: { } caller } => caller,
        _ when span.ParentSpanId == default => default,
        _ => new ActivityContext(
            span.TraceId,
            span.ParentSpanId,
            IsSampled(span.TraceId, span.Caller, span.Name) ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None),
    };

    /// <summary>Asks by an activity that is never started, so that no processor hears of it.</summary>
    private bool IsSampled(ActivityTraceId trace, ActivityContext? caller, string name)
    {
        if (_sampled.TryGetValue(trace, out bool known))
            return known;
        Activity? current = Activity.Current;
        Activity.Current = null;
        try
        {
            Activity? asked = ActivityIds.InTrace(trace, () => _source.CreateActivity(name, ActivityKind.Internal, caller ?? default));
            if (_sampled.Count >= MostDecisions)
                _sampled.Clear(); // A sampler that goes by the trace id decides the same again.
            return _sampled[trace] = asked?.Recorded == true;
        }
        finally
        {
            Activity.Current = current;
        }
    }
}
