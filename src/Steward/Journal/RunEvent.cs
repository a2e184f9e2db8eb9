using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>A fact about a run: the payload of a <see cref="JournalEntry"/>.
/// Wire names are in <see cref="EventWire"/> and never change.</summary>
public abstract record RunEvent
{
    /// <summary>The trace of the caller who caused it, if it came from outside and the caller was traced.</summary>
    public TraceContext? Trace { get; init; }
}
