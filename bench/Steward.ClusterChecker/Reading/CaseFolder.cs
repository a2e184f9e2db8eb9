using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Reading;

/// <summary>The folder of a scenario: where its processes write down what they did, and where the checker reads it.</summary>
internal static class CaseFolder
{
    public const string Ledger = "ledger.jsonl";
    public const string Started = "started.jsonl";
    public const string Signals = "signals.jsonl";
    public const string Words = "words.jsonl";
    public const string Switches = "switches.jsonl";

    public static string NodeLog(string node) => $"node-{node}.jsonl";

    public static Case Read(string folder, JournalEvidence journal) => new()
    {
        Journal = journal,
        Ledger = Lines.Read<LedgerLine>(Path.Combine(folder, Ledger)),
        Nodes = [.. Directory.GetFiles(folder, NodeLog("*")).Order(StringComparer.Ordinal).SelectMany(Lines.Read<NodeLine>)],
        Started = Lines.Read<StartedRun>(Path.Combine(folder, Started)),
        Signals = Lines.Read<SentSignal>(Path.Combine(folder, Signals)),
        Words = Lines.Read<PersonsWord>(Path.Combine(folder, Words)),
        Switches = Lines.Read<SwitchedOff>(Path.Combine(folder, Switches)),
    };
}
