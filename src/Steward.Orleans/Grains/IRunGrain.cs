using Orleans;
using Orleans.Runtime;
using Steward.Orleans.Live;

namespace Steward.Orleans.Grains;

/// <summary>A run, by its id: wherever it is at work, or is going to be.</summary>
[Alias("steward.run")]
internal interface IRunGrain : IGrainWithGuidKey
{
    /// <summary>Claims the run and works on it, if it is claimable; if it is at work, makes it look at its inbox.</summary>
    [Alias("wake")]
    [ResponseTimeout("00:00:10")]
    Task<WakeResult> WakeAsync();

    /// <summary>Goes to another silo, which has taken the run, unless it is there or at work here.</summary>
    /// <returns>Whether it goes.</returns>
    [Alias("move")]
    [ResponseTimeout("00:00:10")]
    Task<bool> MoveAsync(SiloAddress to);

    /// <summary>Sends what the run says from now on; to be renewed.</summary>
    /// <returns>False when the grain goes to another silo, which has the run: call again.</returns>
    [Alias("follow")]
    [ResponseTimeout("00:00:10")]
    Task<bool> FollowAsync(ILiveObserver observer);

    /// <summary>Sends nothing more.</summary>
    [Alias("leave")]
    [ResponseTimeout("00:00:10")]
    Task LeaveAsync(ILiveObserver observer);
}

/// <summary>What a run's silo answers.</summary>
[GenerateSerializer]
[Alias("steward.wake")]
internal enum WakeResult
{
    /// <summary>There is nothing to do for this silo: the run is not due, somebody else holds it, or its agent is not here.</summary>
    Idle,

    /// <summary>The silo has claimed it and works on it.</summary>
    Started,

    /// <summary>The silo was at work on it, and passed the hint on.</summary>
    AtWork,

    /// <summary>The silo has no room.</summary>
    Full,

    /// <summary>Another silo has the run, and the grain goes there: call again.</summary>
    Moved,
}
