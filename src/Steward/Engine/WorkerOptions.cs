using Steward.Journal;

namespace Steward.Engine;

/// <summary>How this process works on runs.</summary>
public class WorkerOptions
{
    /// <summary>Most runs that are worked on at the same time here. Waiting runs do not count: they are only in the store.</summary>
    /// <value>32; 1 to 10,000.</value>
    public int MaxConcurrentRuns { get; set; } = 32;

    /// <summary>How long a worker may hold a run without a sign of life before another one takes it.</summary>
    /// <value>30 seconds; 100 milliseconds to 1 hour.</value>
    public TimeSpan LeaseDuration { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>How often an idle worker looks for runs that other processes
    /// made claimable. Those of this process are noticed at once.</summary>
    /// <value>1 second; 10 milliseconds to 5 minutes.</value>
    public TimeSpan PollInterval { get; set; } = TimeSpan.FromSeconds(1);

    /// <summary>How often a busy worker looks for cancels and kill switches that other processes set.</summary>
    /// <value>250 milliseconds; 10 milliseconds to 1 minute.</value>
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromMilliseconds(250);

    /// <summary>How long a tool may take to come back after it was cancelled; then it is abandoned.</summary>
    /// <value>5 seconds; 0 to 10 minutes.</value>
    public TimeSpan CancelGrace { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Abandoned calls of one tool of an agent; from then on that tool is answered as not called, until one comes
    /// back. Calls that are at work already at that moment may be abandoned on top.</summary>
    /// <value>8; 1 to 10,000.</value>
    public int MaxAbandonedCalls { get; set; } = 8;

    /// <summary>How long a stopping worker lets actions in flight end before it interrupts them.</summary>
    /// <value>20 seconds; 0 to 10 minutes.</value>
    public TimeSpan DrainGrace { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>How long a run waits for a tool slot before it yields its place.
    /// It retries after the same time, or one poll interval if longer.</summary>
    /// <value>5 seconds; 0 to 10 minutes.</value>
    public TimeSpan SlotWait { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a run is left to workers that have its agent's version. Then this worker, which lacks it, takes the run and says
    /// that the version is missing.</summary>
    /// <value>30 seconds; 0 to 1 day.</value>
    public TimeSpan VersionPatience { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Claims without progress after which a run is quarantined: it brings its workers down.</summary>
    /// <value>5; 1 to 1,000.</value>
    public int MaxClaimAttempts { get; set; } = 5;

    /// <summary>Whether this process works on runs; without a worker it only starts runs and talks to them.</summary>
    /// <value>True.</value>
    public bool RunWorker { get; set; } = true;

    /// <summary>The name of this worker in leases and journals.</summary>
    /// <value>Machine, process id and a number that is new with each start.</value>
    public string? WorkerName { get; set; }

    /// <summary>The one run that this process works on, with those that it starts,
    /// whatever their agents; null for all runs of the agents that are here.</summary>
    /// <value>Null.</value>
    public RunId? RootRun { get; set; }
}
