using System.Text.Json.Serialization;

namespace Steward.ClusterChecker.Evidence;

/// <summary>A line of the tool server's ledger: what was asked of the world, and what it did. Times are microseconds since 1970.</summary>
internal sealed record LedgerLine
{
    /// <summary><c>call</c> or <c>probe</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>The idempotency key.</summary>
    public required string Key { get; init; }

    public required Guid Run { get; init; }

    public required string Tool { get; init; }

    /// <summary><c>read_only</c>, <c>idempotent</c> or <c>unsafe</c>.</summary>
    public required string Effect { get; init; }

    /// <summary>The fencing token that came along.</summary>
    public required long Epoch { get; init; }

    public required long At { get; init; }

    /// <summary>Whether the call took effect; false where it was answered from memory. For a probe: whether the key was known.</summary>
    public required bool Executed { get; init; }

    /// <summary>Whether a later epoch of the run had been seen before: the call of a zombie.</summary>
    public bool Stale { get; init; }

    public bool IsCall => Kind == "call";
}

/// <summary>A line of a node's own log: what the store told it.</summary>
internal sealed record NodeLine
{
    /// <summary><c>claimed</c>: the run was given to the node. <c>acknowledged</c>: the entry at <see cref="Sequence"/> is durable. <c>fenced</c>: an append was refused.</summary>
    public required string Kind { get; init; }

    public required string Node { get; init; }

    public required Guid Run { get; init; }

    /// <summary>The epoch under which the node worked.</summary>
    public required long Epoch { get; init; }

    public required long Sequence { get; init; }

    /// <summary>The chain's hash at that sequence, in hexadecimal.</summary>
    public string? Hash { get; init; }

    public required long At { get; init; }
}

/// <summary>A run whose start was acknowledged to the load generator.</summary>
internal sealed record StartedRun(Guid Run, string Tenant, string Plan);

/// <summary>A signal whose acceptance was acknowledged to the load generator.</summary>
internal sealed record SentSignal(Guid Run, string Id);

/// <summary>A person's word: written down before it was given.</summary>
/// <param name="Run">The run.</param>
/// <param name="Question">The question's id.</param>
/// <param name="Key">The idempotency key of the call that it is about; empty when it is about the whole run.</param>
/// <param name="Answer"><c>happened</c>, <c>did_not_happen</c>, <c>continue</c> or <c>stop</c>.</param>
/// <param name="At">When, in microseconds since 1970.</param>
internal sealed record PersonsWord(Guid Run, string Question, string Key, string Answer, long At)
{
    /// <summary>Whether it allows one execution of the call after it, or, without a key, one of each call of the run.</summary>
    [JsonIgnore]
    public bool AllowsRepeat => Answer is "did_not_happen" or "continue";
}

/// <summary>A kill switch: from when its commit was acknowledged to when its release was asked for, in microseconds since 1970.</summary>
internal sealed record SwitchedOff(string Scope, long From, long To);
