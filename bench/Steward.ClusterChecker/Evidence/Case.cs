namespace Steward.ClusterChecker.Evidence;

/// <summary>All that the checker knows of one scenario: the journal, the world's ledger, and what was acknowledged to whom.</summary>
internal sealed record Case
{
    public required JournalEvidence Journal { get; init; }

    public IReadOnlyList<LedgerLine> Ledger { get; init; } = [];

    public IReadOnlyList<NodeLine> Nodes { get; init; } = [];

    public IReadOnlyList<StartedRun> Started { get; init; } = [];

    public IReadOnlyList<SentSignal> Signals { get; init; } = [];

    public IReadOnlyList<PersonsWord> Words { get; init; } = [];

    public IReadOnlyList<SwitchedOff> Switches { get; init; } = [];

    /// <summary>Each run's entries, by sequence.</summary>
    public ILookup<Guid, Entry> Runs => Journal.Entries.ToLookup(e => e.Run);

    /// <summary>Calls that took effect.</summary>
    public IEnumerable<LedgerLine> Executions => Ledger.Where(l => l is { IsCall: true, Executed: true });
}

/// <summary>A broken invariant.</summary>
/// <param name="Rule">The rule's name.</param>
/// <param name="Text">What is wrong, where.</param>
/// <param name="Run">The run, if it is one run's.</param>
internal sealed record Finding(string Rule, string Text, Guid? Run = null)
{
    public override string ToString() => Run is { } run ? $"{Rule}: run {run:n}: {Text}" : $"{Rule}: {Text}";
}
