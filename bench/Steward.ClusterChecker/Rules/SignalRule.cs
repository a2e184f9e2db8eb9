using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>A signal that was acknowledged is in the inbox; what a journal says that a signal brought was sent; each is applied once; a run that has ended owes none.</summary>
internal static class SignalRule
{
    public const string Name = "signal";
    private static readonly string[] s_brought = ["message.received", "cancel.requested", "question.answered", "question.reassigned", "signal.ignored", "signal.received", "child.ended", "run.migrated"];

    public static IEnumerable<Finding> Check(Case all)
    {
        Dictionary<(Guid, string), SignalRow> inbox = all.Journal.Signals.ToDictionary(s => (s.Run, s.Id));
        foreach (SentSignal sent in all.Signals.Where(s => !inbox.ContainsKey((s.Run, s.Id))))
            yield return new Finding(Name, $"'{sent.Id}' was acknowledged, and is not in the inbox", sent.Run);
        ILookup<(Guid, string), Entry> applied = all.Journal.Entries.Where(e => s_brought.Contains(e.Type)).ToLookup(e => (e.Run, e.Text("signal")));
        foreach (SignalRow row in inbox.Values)
        {
            int times = applied[(row.Run, row.Id)].Count();
            if (times > 1)
                yield return new Finding(Name, $"'{row.Id}' was applied {times} times", row.Run);
            if (row.Consumed is not null != (times > 0))
                yield return new Finding(Name, $"'{row.Id}' is {(row.Consumed is null ? "still in the inbox" : "consumed")}, and was applied {times} times", row.Run);
        }

        foreach (IGrouping<(Guid Run, string Signal), Entry> nobody in applied.Where(a => !inbox.ContainsKey(a.Key)))
            yield return new Finding(Name, $"'{nobody.Key.Signal}' was applied at {nobody.First().Sequence}, and nobody sent it", nobody.Key.Run);
    }
}
