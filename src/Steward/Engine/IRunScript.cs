using Steward.Journal;
using Steward.State;

namespace Steward.Engine;

/// <summary>Stands between the loop and the journal when a run is replayed:
/// what was recorded is noted in place of what is equal to it.</summary>
internal interface IRunScript
{
    /// <summary>The event and the time that are noted when the loop notes an event in a state.</summary>
    (RunEvent Event, DateTimeOffset Time) Take(RunState before, RunEvent noted);

    /// <summary>An event was noted.</summary>
    void Noted(RunSession session);
}
