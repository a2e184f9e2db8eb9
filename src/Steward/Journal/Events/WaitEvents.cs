using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>wait.started</c>: a call that waits for a time, or for a signal by name.</summary>
public sealed record WaitStarted(int Turn, int Index, DateTimeOffset? Until, string? SignalName) : RunEvent;

/// <summary><c>wait.ended</c>: the time came for which a call waited.</summary>
public sealed record WaitEnded(int Turn, int Index, string Result) : RunEvent;

/// <summary><c>signal.received</c>: something happened that a call may wait for by name, now or later.</summary>
public sealed record SignalReceived(string Signal, string Name, string? Payload) : RunEvent;

/// <summary><c>signal.ignored</c>: a signal that no longer applied, and why;
/// consumed all the same, so that it is applied at most once.</summary>
public sealed record SignalIgnored(string Signal, string Reason) : RunEvent;
