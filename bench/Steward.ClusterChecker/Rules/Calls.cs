using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>A tool call's intent in the journal.</summary>
internal sealed record Intent(Entry Entry)
{
    public string Key { get; } = Entry.Text("key");

    public string Effect { get; } = Entry.Text("effect");

    public (int Turn, int Index) Position { get; } = (Entry.Number("turn"), Entry.Number("index"));
}

/// <summary>The tool calls of a case, as the journal knows them.</summary>
internal static class Calls
{
    /// <summary>All intents, in the order of their runs and sequences.</summary>
    public static IEnumerable<Intent> Intents(JournalEvidence journal) => journal.Entries.Where(e => e.Type == "tool.started").Select(e => new Intent(e));

    public static (int Turn, int Index) PositionOf(Entry entry) => (entry.Number("turn"), entry.Number("index"));

    /// <summary>Whether an event gives a call the one result that the model then sees.</summary>
    public static bool IsResult(Entry entry) => entry.Type switch
    {
        "tool.returned" or "tool.rejected" or "child.ended" or "wait.ended" => true,
        "tool.failed" => entry.Text("failure") != "outcome_unknown",
        "tool.resolved" => entry.Text("outcome") == "happened",
        _ => false,
    };
}
