namespace Steward.Journal;

/// <summary>Where a caller stands in a distributed trace, in the words of
/// W3C Trace Context (https://www.w3.org/TR/trace-context/).</summary>
/// <param name="Parent">The header <c>traceparent</c>.</param>
/// <param name="State">The header <c>tracestate</c>, if there is one.</param>
public sealed record TraceContext(string Parent, string? State = null);
