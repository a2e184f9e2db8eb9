using System.Collections.Concurrent;
using System.Diagnostics;
using Steward.Engine;
using Steward.Journal;
using Steward.State;

namespace Steward.Diagnostics.Tracing;

/// <summary>The activity that is current while a model or a tool is called: what the call makes nests under the call's span.</summary>
/// <remarks>
/// It only stands there, with the id that the span is going to have: the span itself is made from the journal, when its result is durable.
/// Tags that a tool sets on it become the span's.
/// </remarks>
internal sealed class EffectActivities(SpanSource source) : IEffectScope
{
    private const int MostKept = 10_000;

    private readonly ConcurrentDictionary<RunId, ConcurrentDictionary<string, long>> _intents = new();
    private readonly ConcurrentDictionary<ActivitySpanId, Activity> _ambient = new();

    /// <summary>Hears the commit of an intent, before its call begins, and of results.</summary>
    public void Committed(IReadOnlyList<JournalEntry> entries)
    {
        foreach (JournalEntry entry in entries)
        {
            if (entry.Event is ModelStarted or ToolStarted)
                Intend(entry);
            else if (entry.Event is RunClaimed or RunCompleted or RunFailed or RunCancelled)
                _intents.TryRemove(entry.Run, out _);
            else if (KeyOf(entry.Event) is { } key && _intents.TryGetValue(entry.Run, out ConcurrentDictionary<string, long>? calls))
                calls.TryRemove(key, out _);
        }
    }

    public IDisposable? Begin(RunState state, RunEvent intent)
    {
        if (!source.HasListeners)
            return null;
        var trace = TraceIdentity.Of(state.Run, state.Started);
        ActivityTraceFlags flags = source.IsSampled(state.Run, state.Started) ? ActivityTraceFlags.Recorded : ActivityTraceFlags.None;
        ActivitySpanId root = SpanIds.RootOf(state.Run);
        // A probe asks after a call whose span is closed: it stands under the run's own.
        long sequence = 0;
        bool isOpen = _intents.TryGetValue(state.Run, out ConcurrentDictionary<string, long>? calls)
            && calls.TryGetValue(KeyOf(intent)!, out sequence);
        ActivitySpanId id = isOpen ? SpanIds.At(state.Run, sequence) : root;
        var activity = new Activity(intent is ModelStarted model ? $"chat {model.Model}" : $"execute_tool {(intent as ToolStarted)?.Name}");
        activity.SetParentId(trace.Id, isOpen ? root : trace.Parent, flags);
        activity.TraceStateString = trace.Caller?.TraceState;
        activity.IsAllDataRequested = flags == ActivityTraceFlags.Recorded;
        activity.Start();
        ActivityIds.Set(activity, id);
        if (isOpen && activity.IsAllDataRequested && _ambient.Count < MostKept)
            _ambient[id] = activity;
        return activity;
    }

    /// <summary>The activity that was current during the call of a span; given once.</summary>
    public Activity? Take(ActivitySpanId id) => _ambient.TryRemove(id, out Activity? activity) ? activity : null;

    private void Intend(JournalEntry entry)
    {
        if (_intents.Count >= MostKept)
            _intents.Clear(); // Runs that this worker has lost are among them.
        _intents.GetOrAdd(entry.Run, static _ => new(StringComparer.Ordinal))[KeyOf(entry.Event)!] = entry.Sequence;
    }

    private static string? KeyOf(RunEvent runEvent) => runEvent switch
    {
        ModelStarted or ModelReturned or ModelFailed => "model",
        ToolStarted e => $"{e.Turn}.{e.Index}",
        ToolReturned e => $"{e.Turn}.{e.Index}",
        ToolFailed e => $"{e.Turn}.{e.Index}",
        _ => null,
    };
}
