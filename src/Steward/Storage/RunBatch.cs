using System.Security.Cryptography;
using Steward.Journal;

namespace Steward.Storage;

/// <summary>A new run: its identity and its first event.</summary>
public sealed record RunStart
{
    /// <summary>The id it gets, unless its key was used before.</summary>
    public required RunId Run { get; init; }

    /// <summary>The first entry: sequence 1, <c>run.started</c>.</summary>
    public required JournalEntry Entry { get; init; }

    /// <summary>Entries that follow the first one: the copied beginning of a fork. They draw on no budget.</summary>
    public IReadOnlyList<JournalEntry> Copied { get; init; } = [];

    /// <summary>The agent's definition, kept with the start; null when it is known to be there.</summary>
    public Blob? Definition { get; init; }

    /// <summary>Ceilings for the session's scope, applied when the session has none yet.</summary>
    public BudgetCeilings? SessionCeilings { get; init; }

    /// <summary>What happens when another run of the session is active.</summary>
    /// <value><see cref="SessionPolicy.Parallel"/>.</value>
    public SessionPolicy SessionPolicy { get; init; }

    /// <summary>The entry with which the run's journal ends at its start.</summary>
    public JournalEntry Last => Copied is [.., JournalEntry end] ? end : Entry;

    /// <summary>The event of the entry.</summary>
    public RunStarted Started => (RunStarted)Entry.Event;
}

/// <summary>What starting did.</summary>
/// <param name="Run">The run.</param>
/// <param name="Created">False when the key named a run that was there already, the session is busy, or the queue is full.</param>
public readonly record struct StartResult(RunId Run, bool Created)
{
    /// <summary>The active run of the session that stood in the way, under
    /// <see cref="SessionPolicy.Reject"/>; nothing was started.</summary>
    public RunId? BusyWith { get; init; }

    /// <summary>The queue that takes no further run; nothing was started.</summary>
    public QueueFull? Full { get; init; }
}

/// <summary>What a new run does when an earlier run of its session is still active. Decided in the transaction that starts it.</summary>
public enum SessionPolicy
{
    /// <summary>It runs beside the others.</summary>
    Parallel,

    /// <summary>It waits until the earlier ones have ended.</summary>
    Enqueue,

    /// <summary>It is not started.</summary>
    Reject,

    /// <summary>The others are cancelled; it begins once they have ended, and knows how far they came.</summary>
    Interrupt,

    /// <summary>The others are cancelled and left out of the conversation, as if they had not been asked.</summary>
    Rollback,
}

/// <summary>The right to append to a run, until it expires or a later epoch takes over.</summary>
/// <param name="Run">The run.</param>
/// <param name="Epoch">Grows by one with every claim; the fencing token.</param>
/// <param name="Worker">Who holds it.</param>
public sealed record Lease(RunId Run, long Epoch, string Worker);

/// <summary>Which runs to claim.</summary>
public sealed record ClaimRequest
{
    /// <summary>Who claims.</summary>
    public required string Worker { get; init; }

    /// <summary>For how long.</summary>
    public required TimeSpan Duration { get; init; }

    /// <summary>Only this run, if set.</summary>
    public RunId? Run { get; init; }

    /// <summary>At most so many.</summary>
    /// <value>1.</value>
    public int Max { get; init; } = 1;

    /// <summary>Only runs of these agents, if set.</summary>
    public IReadOnlyCollection<string>? Agents { get; init; }

    /// <summary>The versions of agents that the worker has loaded, if it matters: runs of another
    /// one are taken only when nobody has claimed them for <see cref="VersionPatience"/>.</summary>
    public IReadOnlyCollection<AgentVersion>? Versions { get; init; }

    /// <summary>How long a run is left to those who have its version.</summary>
    /// <value>30 seconds.</value>
    public TimeSpan VersionPatience { get; init; } = TimeSpan.FromSeconds(30);

    /// <exception cref="ArgumentException">It asks for what no store can give.</exception>
    public void Validate()
    {
        ArgumentException.ThrowIfNullOrEmpty(Worker);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(Duration, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(Max, 1);
        ArgumentOutOfRangeException.ThrowIfLessThan(VersionPatience, TimeSpan.Zero);
    }

    /// <summary>Whether a run of that agent, claimable since then, may be taken now.</summary>
    public bool IsFor(string agent, string version, DateTimeOffset claimableAt, DateTimeOffset now) =>
        (Agents is null || Agents.Contains(agent))
        && (Versions is null || claimableAt <= now - VersionPatience || Versions.Contains(new AgentVersion(agent, version)));
}

/// <summary>One version of an agent.</summary>
/// <param name="Agent">The agent's name.</param>
/// <param name="Version">Its version.</param>
public readonly record struct AgentVersion(string Agent, string Version);

/// <summary>A claimed run.</summary>
public sealed record Claim
{
    /// <summary>The lease.</summary>
    public required Lease Lease { get; init; }

    /// <summary>The run's row at the claim.</summary>
    public required RunInfo Info { get; init; }

    /// <summary>Claims since the run last made progress or was released, this one included.</summary>
    public required int Attempt { get; init; }

    /// <summary>The newest snapshot, if there is one.</summary>
    public RunSnapshot? Snapshot { get; init; }

    /// <summary>The whole journal, where the store had it at hand because it is short; null where it has to be read.</summary>
    public IReadOnlyList<JournalEntry>? Journal { get; init; }

    /// <summary>Whether the inbox may hold something. What comes in after the claim is told by the next append.</summary>
    /// <value>True.</value>
    public bool SignalsPending { get; init; } = true;

    /// <summary>How far the journal was acknowledged to this process, where that is further than it goes now. The database then went
    /// backwards, and effects may have happened that it does not record.</summary>
    public long? Acknowledged { get; init; }

    /// <summary>Whether the database is another one than when the run was last worked on (a failover, a restored backup). What the run did
    /// last may then be missing from the journal.</summary>
    public bool IsDoubted { get; init; }
}

/// <summary>A fold's state at a sequence; only ever a short cut.</summary>
/// <param name="Sequence">The last entry it holds.</param>
/// <param name="Version">The version of the fold that wrote it; another version's is not used.</param>
/// <param name="Data">The state.</param>
public sealed record RunSnapshot(long Sequence, int Version, ReadOnlyMemory<byte> Data);

/// <summary>A leased run that should look at its inbox, or stop.</summary>
/// <param name="Run">The run.</param>
/// <param name="SignalsPending">Whether its inbox holds something.</param>
/// <param name="Killed">The switch that is engaged over it, if any.</param>
public readonly record struct RunAttention(RunId Run, bool SignalsPending, KillSwitch? Killed);

/// <summary>Everything that one transaction of a run records.</summary>
public sealed record RunBatch
{
    /// <summary>The lease under which it is made.</summary>
    public required Lease Lease { get; init; }

    /// <summary>The run's last sequence as the worker knows it; anything else fences the batch.</summary>
    public required long ExpectedSequence { get; init; }

    /// <summary>The entries, continuing the chain. May be empty for a batch that only releases.</summary>
    public IReadOnlyList<JournalEntry> Entries { get; init; } = [];

    /// <summary>Content that the entries refer to.</summary>
    public IReadOnlyList<Blob> Blobs { get; init; } = [];

    /// <summary>Whether an effect starts when this commits: then kill switches must be off.</summary>
    public bool StartsEffect { get; init; }

    /// <summary>What is reserved, released and spent, on all scopes of the run.</summary>
    public IReadOnlyList<BudgetChange> Budget { get; init; } = [];

    /// <summary>Ids of the inbox's signals that these entries apply.</summary>
    public IReadOnlyList<string> Consumes { get; init; } = [];

    /// <summary>The run's status after this batch.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>The reason of the last transition, or why the run is given back without one.</summary>
    public required string Reason { get; init; }

    /// <summary>Whether the run got on: resets the count of claims that guards against a run that brings its worker down.</summary>
    public bool Progress { get; init; }

    /// <summary>Gives the lease back, if set. A terminal status gives it back in any case.</summary>
    public RunRelease? Release { get; init; }

    /// <summary>Runs that start with this commit: children. One that is there already is left as it is.</summary>
    public IReadOnlyList<RunStart> Starts { get; init; } = [];

    /// <summary>Signals to other runs, put into their inboxes with this commit.
    /// What its receiver has seen, or has ended without, is dropped.</summary>
    public IReadOnlyList<Signal> Sends { get; init; } = [];

    /// <summary>Feedback that the runtime itself gives, kept with this commit,
    /// once per run and id. What is about an unknown run is dropped.</summary>
    public IReadOnlyList<Feedback> Feedback { get; init; } = [];

    /// <summary>Replaces the run's snapshot, if set.</summary>
    public RunSnapshot? Snapshot { get; init; }
}

/// <summary>Giving a lease back.</summary>
/// <param name="WakeAt">When the run becomes claimable by itself; null when only a signal or a switch wakes it.</param>
/// <remarks>A run with unconsumed signals becomes claimable at once, whatever
/// <paramref name="WakeAt"/> says, unless <see cref="LeavesSignals"/>.</remarks>
public sealed record RunRelease(DateTimeOffset? WakeAt)
{
    /// <summary>Whether the signals in the inbox are left until the time has come, to any worker. This worker cannot apply them, and must
    /// not be woken by them over and over. Only a further signal wakes the run before.</summary>
    public bool LeavesSignals { get; init; }
}

/// <summary>A change of the budgets of all scopes of a run: run, session, tenant, agent on a day, global.</summary>
/// <param name="Day">The day (UTC) whose agent scope it counts on: that of the reservation.</param>
/// <param name="Spend">Spent for good.</param>
/// <param name="Release">Taken off the reservations.</param>
/// <param name="Reserve">Newly reserved; refused when spent + reserved would exceed a ceiling.</param>
public readonly record struct BudgetChange(DateOnly Day, BudgetAmount Spend, BudgetAmount Release, BudgetAmount Reserve);

/// <summary>Content and the SHA-256 that addresses it.</summary>
/// <param name="Hash">64 lower-case hexadecimal digits.</param>
/// <param name="Content">The bytes.</param>
public sealed record Blob(string Hash, ReadOnlyMemory<byte> Content)
{
    /// <summary>Makes a blob of content.</summary>
    public static Blob Of(ReadOnlyMemory<byte> content) =>
        new(Convert.ToHexStringLower(SHA256.HashData(content.Span)), content);

    /// <summary>Whether a text has the form of a hash.</summary>
    public static bool IsHash(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return text.Length == 2 * JournalEntry.HashSize && text.All(char.IsAsciiHexDigitLower);
    }
}

/// <summary>What the gate said.</summary>
public abstract record AppendResult
{
    private AppendResult()
    {
    }

    /// <summary>It is durable; an effect may start.</summary>
    /// <param name="SignalsPending">Whether the inbox holds something.</param>
    /// <param name="Alerts">Soft thresholds that this commit crossed.</param>
    public sealed record Committed(bool SignalsPending, IReadOnlyList<BudgetAlert> Alerts) : AppendResult
    {
        /// <summary>Committed, nothing pending, nothing crossed.</summary>
        public static Committed Quiet { get; } = new(false, []);
    }

    /// <summary>A later epoch or another sequence is there: this worker has lost the run. Nothing was recorded.</summary>
    public sealed record Fenced(long Epoch, long Sequence) : AppendResult;

    /// <summary>A kill switch is engaged. Nothing was recorded.</summary>
    public sealed record Killed(KillSwitch Switch) : AppendResult;

    /// <summary>A ceiling would break. Nothing was recorded.</summary>
    public sealed record OverBudget(BudgetShortfall Shortfall) : AppendResult;

    /// <summary>A tool has too few free slots for the calls that the batch starts. Nothing was recorded.</summary>
    /// <param name="Tool">The tool.</param>
    /// <param name="Limit">How many may be in flight at once, over all nodes.</param>
    /// <param name="Running">How many are, without those of the batch.</param>
    public sealed record Throttled(string Tool, int Limit, int Running) : AppendResult
    {
        /// <summary>How many could be started at this moment.</summary>
        public int Free => Math.Max(0, Limit - Running);
    }
}

/// <summary>Which ceiling refused what.</summary>
public sealed record BudgetShortfall(
    BudgetScope Scope,
    BudgetMetric Metric,
    decimal Ceiling,
    decimal Spent,
    decimal Reserved,
    decimal Asked)
{
    /// <summary>What could still be reserved at this moment.</summary>
    public decimal Left => Math.Max(0, Ceiling - Spent - Reserved);

    /// <summary>What could be reserved if every call in flight cost nothing.</summary>
    public decimal LeftAtBest => Math.Max(0, Ceiling - Spent);
}

/// <summary>A soft threshold that was crossed.</summary>
public sealed record BudgetAlert(BudgetScope Scope, BudgetMetric Metric, decimal Threshold, decimal Used, decimal Ceiling);
