using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary>A fact about a run: the payload of a <see cref="JournalEntry"/>. Wire names are in <see cref="EventWire"/> and never change.</summary>
public abstract record RunEvent;
