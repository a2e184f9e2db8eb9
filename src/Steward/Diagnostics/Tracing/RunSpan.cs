using System.Diagnostics;

namespace Steward.Diagnostics.Tracing;

/// <summary>A finished span of a run, as <see cref="RunTrace"/> maps it from the journal.</summary>
public sealed record RunSpan
{
    /// <summary>The span's name, for example <c>chat claude-sonnet-5</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Its kind.</summary>
    public required ActivityKind Kind { get; init; }

    /// <summary>The trace; the same for a run, its children and its steps, on every node.</summary>
    public required ActivityTraceId TraceId { get; init; }

    /// <summary>The span's id, derived from the run and the event that opens it.</summary>
    public required ActivitySpanId SpanId { get; init; }

    /// <summary>The parent; all zeros for a root.</summary>
    public required ActivitySpanId ParentSpanId { get; init; }

    /// <summary>Where the caller stood who started the root run; null when nobody traced.</summary>
    public ActivityContext? Caller { get; init; }

    /// <summary>Whether the parent is the caller's span.</summary>
    public bool HasCallerAsParent { get; init; }

    /// <summary>The time of the opening event, UTC.</summary>
    public required DateTimeOffset Start { get; init; }

    /// <summary>The time of the closing event, UTC; never before <see cref="Start"/>.</summary>
    public required DateTimeOffset End { get; init; }

    /// <summary>Attributes: strings, booleans, <see cref="long"/>, <see cref="double"/> and arrays of strings.</summary>
    public required IReadOnlyList<KeyValuePair<string, object?>> Attributes { get; init; }

    /// <summary>What happened within.</summary>
    public IReadOnlyList<ActivityEvent> Events { get; init; } = [];

    /// <summary>Spans of other traces that it has to do with.</summary>
    public IReadOnlyList<ActivityLink> Links { get; init; } = [];

    /// <summary><see cref="ActivityStatusCode.Error"/> where it failed; otherwise unset.</summary>
    public ActivityStatusCode Status { get; init; }

    /// <summary>What failed, where content is wanted; otherwise the short code of <c>error.type</c>.</summary>
    public string? StatusDescription { get; init; }
}
