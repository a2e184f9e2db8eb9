using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>run.started</c>: what was asked, the agent, and on whose behalf.</summary>
public sealed record RunStarted : RunEvent
{
    /// <summary>The agent's name.</summary>
    public required string Agent { get; init; }

    /// <summary>The agent's version; the run stays on it.</summary>
    public required string AgentVersion { get; init; }

    /// <summary>SHA-256 of the agent's definition, which is kept as a blob.</summary>
    public required string DefinitionHash { get; init; }

    /// <summary>The tenant that the run belongs to.</summary>
    public required string Tenant { get; init; }

    /// <summary>The user on whose behalf it runs, if any.</summary>
    public string? User { get; init; }

    /// <summary>Who asked for it, by the name under which they would decide: an API key's, a shell user's. Null where nobody
    /// said.</summary>
    public string? By { get; init; }

    /// <summary>The session (conversation) that it is part of, if any.</summary>
    public string? Session { get; init; }

    /// <summary>The caller's key that makes starting idempotent, if any.</summary>
    public string? Key { get; init; }

    /// <summary>The request.</summary>
    public required IReadOnlyList<ContentPart> Input { get; init; }

    /// <summary>What the caller marked the run with; null for nothing.</summary>
    public IReadOnlyDictionary<string, string>? Labels { get; init; }

    /// <summary>Ceilings of this run; already the tighter of the agent's and the caller's.</summary>
    public BudgetCeilings Ceilings { get; init; } = BudgetCeilings.None;

    /// <summary>Where it came from, when another run started it.</summary>
    public RunParent? Parent { get; init; }

    /// <summary>The run that it was forked from, if it is a fork.</summary>
    public RunOrigin? Origin { get; init; }
}

/// <summary>The run that started a child.</summary>
/// <param name="Ancestors">The parent, its parent, and so on: the child's money is theirs, and so are their kill switches.</param>
/// <param name="Turn">The turn of the call that asked for it; 0 for a plan's step.</param>
/// <param name="Index">The place of that call.</param>
/// <param name="Step">The plan's step that it carries out, if it does.</param>
public sealed record RunParent(
    IReadOnlyList<RunId> Ancestors,
    int Turn,
    int Index,
    string? Step = null)
{
    /// <summary>The parent.</summary>
    [JsonIgnore]
    public RunId Run => Ancestors[0];

    /// <summary>Hashes of calls that failed in earlier attempts and are refused now.</summary>
    public IReadOnlyList<string>? Refused { get; init; }
}

/// <summary>What a fork was made from.</summary>
/// <param name="Run">The run.</param>
/// <param name="Sequence">The last sequence of that run that was looked at.</param>
/// <param name="Copied">The last sequence of this run that was copied; what follows happened here.</param>
/// <param name="Change">What was changed, in words.</param>
public sealed record RunOrigin(RunId Run, long Sequence, long Copied, string? Change = null);

/// <summary><c>run.claimed</c>: a worker took the run; whatever an earlier epoch left in flight is now of unknown outcome.</summary>
public sealed record RunClaimed(long Epoch, string Worker, int Attempt) : RunEvent
{
    /// <summary>The rules by which this worker decides, so that a replay decides by the same; 0 where unsafe calls of one message were
    /// started at once.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public int Rules { get; init; }
}

/// <summary><c>state.changed</c>: a transition of the state machine, with its reason.</summary>
public sealed record StateChanged(RunStatus From, RunStatus To, string Reason, string? Detail = null) : RunEvent;

/// <summary><c>run.migrated</c>: the run goes on under another version of its agent.</summary>
public sealed record RunMigrated(
    string Signal,
    string FromVersion,
    string FromHash,
    string AgentVersion,
    string DefinitionHash,
    string By,
    string? Note)
    : RunEvent;

/// <summary><c>cancel.requested</c>: somebody wants the run to stop.</summary>
public sealed record CancelRequested(string Signal, string By, string? Reason) : RunEvent;

/// <summary><c>run.completed</c>: the end with success; which validators proved it.</summary>
public sealed record RunCompleted(string Output, IReadOnlyList<string> ProvedBy) : RunEvent;

/// <summary><c>run.failed</c>: the end without success.</summary>
/// <param name="Code">A short, stable reason such as <c>budget_exhausted</c>; see the docs for all of them.</param>
/// <param name="Message">What happened, and the remedy.</param>
/// <param name="Partial">What there was of an answer.</param>
public sealed record RunFailed(string Code, string Message, string? Partial) : RunEvent;

/// <summary><c>run.cancelled</c>: the end by request.</summary>
public sealed record RunCancelled(string By, string? Reason, string? Partial) : RunEvent;
