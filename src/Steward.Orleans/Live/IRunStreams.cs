using Steward.Client;
using Steward.Journal;

namespace Steward.Orleans.Live;

/// <summary>Follows runs live, on whichever silo they are at work.</summary>
public interface IRunStreams
{
    /// <summary>What a run says from now on, until it has ended. For what is durable, read the journal (<see cref="RunHandle.FollowAsync"/>).</summary>
    /// <remarks>Nothing here is complete: what comes before the silo has heard of the follower, during a takeover, or faster than it is read, is missing; of the last, the follower is told.</remarks>
    /// <exception cref="StewardException">There is no such run.</exception>
    IAsyncEnumerable<RunUpdate> FollowAsync(RunId run, CancellationToken cancellationToken = default);
}

/// <summary>Something that a run's follower hears.</summary>
public abstract record RunUpdate;

/// <summary>A piece of an answer arrived. Provisional: a retried or lost attempt is superseded by what is committed.</summary>
/// <param name="Turn">The turn.</param>
/// <param name="Attempt">The attempt at it.</param>
/// <param name="Text">The piece.</param>
public sealed record TextArrived(int Turn, int Attempt, string Text) : RunUpdate;

/// <summary>Entries became durable.</summary>
/// <param name="Sequence">The last of them.</param>
/// <param name="Status">How the run then stands.</param>
public sealed record EntriesCommitted(long Sequence, RunStatus Status) : RunUpdate;

/// <summary>The follower was too slow: updates were dropped before the next one.</summary>
/// <param name="Count">How many.</param>
public sealed record UpdatesDropped(int Count) : RunUpdate;
