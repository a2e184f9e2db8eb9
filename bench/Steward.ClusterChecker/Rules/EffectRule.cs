using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>No effect without an earlier durable intent; no result without an effect; no Unsafe effect, and no Idempotent one, a second time, unless a person said so.</summary>
internal static class EffectRule
{
    public const string Intent = "intent";
    public const string Result = "result";
    public const string Repeat = "repeat";

    public static IEnumerable<Finding> Check(Case all) => [.. Intents(all), .. Results(all), .. Repeats(all)];

    /// <summary>Executions of an Unsafe or Idempotent call beyond its first, and how many of them a person allowed: with a word since the execution before.</summary>
    public static IEnumerable<(string Key, int Beyond, int Allowed)> Beyond(Case all)
    {
        ILookup<Guid, PersonsWord> words = all.Words.Where(w => w.AllowsRepeat).ToLookup(w => w.Run);
        foreach (IGrouping<string, LedgerLine> call in all.Executions.Where(l => l.Effect != "read_only").GroupBy(l => l.Key))
        {
            LedgerLine[] times = [.. call.OrderBy(l => l.At)];
            int allowed = Enumerable.Range(1, times.Length - 1).Count(i => words[times[i].Run].Any(w => (w.Key.Length == 0 || w.Key == call.Key) && w.At > times[i - 1].At && w.At < times[i].At));
            if (times.Length > 1)
                yield return (call.Key, times.Length - 1, allowed);
        }
    }

    private static IEnumerable<Finding> Intents(Case all)
    {
        ILookup<string, Intent> intents = Calls.Intents(all.Journal).ToLookup(i => i.Key);
        foreach (LedgerLine line in all.Executions)
        {
            if (!intents[line.Key].Any(i => i.Entry.Run == line.Run))
                yield return new Finding(Intent, $"'{line.Tool}' was called with key {line.Key}, which the journal does not know", line.Run);
            else if (intents[line.Key].Min(i => i.Entry.CommittedAt ?? i.Entry.Time * 1_000) is var durable && durable > line.At)
                yield return new Finding(Intent, $"'{line.Tool}' with key {line.Key} took effect {durable - line.At} µs before its intent was durable", line.Run);
        }
    }

    private static IEnumerable<Finding> Results(Case all)
    {
        HashSet<string> executed = [.. all.Executions.Select(l => l.Key)];
        foreach (IGrouping<Guid, Entry> run in all.Runs)
        {
            Dictionary<(int, int), Intent> started = [];
            Dictionary<(int, int), long> answered = [];
            foreach (Entry entry in run)
            {
                (int, int) position = Calls.PositionOf(entry);
                if (entry.Type == "tool.started")
                    started[position] = new Intent(entry);
                if (!Calls.IsResult(entry) || entry.Type == "child.ended")
                    continue;
                if (!answered.TryAdd(position, entry.Sequence))
                    yield return new Finding(Result, $"the call {position} has a result at {answered[position]} and one at {entry.Sequence}", run.Key);
                bool claimsEffect = entry.Type is "tool.returned" or "tool.resolved";
                if (claimsEffect && started.TryGetValue(position, out Intent? intent) && !executed.Contains(intent.Key))
                    yield return new Finding(Result, $"'{intent.Entry.Text("name")}' has a result at {entry.Sequence}, but never took effect (key {intent.Key})", run.Key);
            }
        }
    }

    private static IEnumerable<Finding> Repeats(Case all) =>
        from call in Beyond(all)
        where call.Beyond > call.Allowed
        let line = all.Executions.First(l => l.Key == call.Key)
        select new Finding(Repeat, $"'{line.Tool}' ({line.Effect}) took effect {call.Beyond + 1} times under key {call.Key}; a person allowed {call.Allowed} repeats", line.Run);
}
