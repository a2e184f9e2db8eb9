using Steward.Journal;

namespace Steward.Client;

/// <summary>Follows runs live. In one process it hears that process's
/// worker; <c>Steward.Orleans</c> hears every silo of the cluster.</summary>
public interface IRunStreams
{
    /// <summary>What a run says from now on, until it has ended: <see cref="TextArrived"/>,
    /// <see cref="EntriesCommitted"/>, <see cref="UpdatesDropped"/>.</summary>
    /// <remarks>
    /// Nothing here is complete: updates before the follower is known, during a takeover, or faster than the follower reads are
    /// missing. Of the last, the follower is told. <see cref="RunHandle.StreamAsync"/> adds the journal, which is complete.
    /// </remarks>
    /// <exception cref="StewardException">There is no such run.</exception>
    IAsyncEnumerable<RunUpdate> FollowAsync(RunId run, CancellationToken cancellationToken = default);
}

/// <summary>Something that a run's follower hears.</summary>
public abstract record RunUpdate;

/// <summary>A piece of an answer arrived. It is provisional until the answer is committed.</summary>
/// <param name="Turn">The turn.</param>
/// <param name="Attempt">The attempt at it.</param>
/// <param name="Text">The piece.</param>
public sealed record TextArrived(int Turn, int Attempt, string Text) : RunUpdate;

/// <summary>The text that arrived of an attempt counts no more: the attempt was lost, and no answer of it is committed.</summary>
/// <param name="Turn">The turn.</param>
/// <param name="Attempt">The attempt at it.</param>
public sealed record TextSuperseded(int Turn, int Attempt) : RunUpdate;

/// <summary>Entries became durable: a notice of <see cref="IRunStreams"/>.</summary>
/// <param name="Sequence">The last of them.</param>
/// <param name="Status">How the run then stands.</param>
public sealed record EntriesCommitted(long Sequence, RunStatus Status) : RunUpdate;

/// <summary>An entry of the journal, in its place: an update of <see cref="RunHandle.StreamAsync"/>.</summary>
/// <param name="Entry">The entry.</param>
public sealed record EntryRead(JournalEntry Entry) : RunUpdate;

/// <summary>The follower was too slow: updates were dropped before the next one.</summary>
/// <param name="Count">How many.</param>
public sealed record UpdatesDropped(int Count) : RunUpdate;
