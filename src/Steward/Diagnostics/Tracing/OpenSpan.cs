using System.Diagnostics;

namespace Steward.Diagnostics.Tracing;

/// <summary>A span whose closing event has not come yet.</summary>
internal sealed class OpenSpan(
    string name,
    ActivityKind kind,
    ActivitySpanId id,
    ActivitySpanId parent,
    DateTimeOffset start,
    SpanAttributes attributes)
{
    public string Name { get; } = name;

    public DateTimeOffset Start { get; } = start;

    public SpanAttributes Attributes { get; } = attributes;

    public string? ErrorType { get; private set; }

    public string? ErrorText { get; private set; }

    /// <summary>Marks it as failed; the text is content and null where none is wanted.</summary>
    public OpenSpan Fail(string type, string? text = null)
    {
        ErrorType = type;
        ErrorText = text;
        Attributes.Set(Names.ErrorType, type);
        return this;
    }

    public RunSpan Close(
        TraceIdentity trace,
        DateTimeOffset end,
        IReadOnlyList<ActivityEvent>? events = null,
        IReadOnlyList<ActivityLink>? links = null) => new()
    {
        Name = Name,
        Kind = kind,
        TraceId = trace.Id,
        SpanId = id,
        ParentSpanId = parent,
        Caller = trace.Caller,
        HasCallerAsParent = trace.Caller is { } caller && caller.SpanId == parent,
        Start = Start,
        End = end < Start ? Start : end,
        Attributes = Attributes,
        Events = events ?? [],
        Links = links ?? [],
        Status = ErrorType is null ? ActivityStatusCode.Unset : ActivityStatusCode.Error,
        StatusDescription = ErrorType is null ? null : ErrorText ?? ErrorType,
    };
}
