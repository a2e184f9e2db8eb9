using Orleans;
using Orleans.Runtime;
using Steward.Client;
using Steward.Journal;

namespace Steward.Orleans.Live;

/// <summary>Somebody who follows a run, in any process of the cluster.</summary>
[Alias("steward.live")]
internal interface ILiveObserver : IGrainObserver
{
    /// <summary>What was said since the last call.</summary>
    [Alias("hear")]
    [ResponseTimeout("00:00:05")]
    Task HearAsync(LiveItem[] items);
}

/// <summary>An update on its way: a piece of text, or, without one, a commit.</summary>
[GenerateSerializer]
[Alias("steward.live.item")]
internal readonly record struct LiveItem(
    [property: Id(0)] int Turn,
    [property: Id(1)] int Attempt,
    [property: Id(2)] string? Text,
    [property: Id(3)] long Sequence,
    [property: Id(4)] RunStatus Status,
    [property: Id(5)] int Dropped)
{
    public RunUpdate Update => Text is null ? new EntriesCommitted(Sequence, Status) : new TextArrived(Turn, Attempt, Text);
}
