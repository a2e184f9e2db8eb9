using Steward.Journal;

namespace Steward.TimeTravel;

/// <summary>A fork was to change the result of a call that has none.</summary>
public sealed class ForkCallException : StewardException
{
    internal ForkCallException(RunId run, int turn, int index, long last)
        : base($"Call {turn}.{index} of run {run} has no result up to sequence {last} that could be another one. "
            + "Name one of the calls in its journal (IRunStore.ReadAsync), or a later sequence.") => Run = run;

    /// <summary>The run that was to be forked.</summary>
    public RunId Run { get; }
}
