using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>
/// Epochs grow along a journal; what a node was told it had appended under an epoch stands between that epoch's claim and the next; and nothing was committed under an
/// epoch once a later one had been given to somebody: no zombie's append was taken.
/// </summary>
internal static class EpochRule
{
    public const string Name = "epoch";

    public static IEnumerable<Finding> Check(Case all)
    {
        ILookup<Guid, Entry> runs = all.Runs;
        ILookup<Guid, NodeLine> acknowledged = all.Nodes.Where(n => n.Kind == "acknowledged").ToLookup(n => n.Run);
        ILookup<Guid, NodeLine> claimed = all.Nodes.Where(n => n.Kind == "claimed").ToLookup(n => n.Run);
        foreach (RunRow row in all.Journal.Runs)
        {
            Dictionary<string, long> epochOf = [];
            long epoch = 0;
            foreach (Entry entry in runs[row.Run])
            {
                if (entry.Type == "run.claimed")
                {
                    long next = entry.Json.TryGetProperty("epoch", out var value) ? value.GetInt64() : 0;
                    if (next <= epoch)
                        yield return new Finding(Name, $"epoch {next} is claimed at {entry.Sequence} after epoch {epoch}", row.Run);
                    epoch = next;
                }

                epochOf[Convert.ToHexString(entry.Hash)] = epoch;
                if (claimed[row.Run].FirstOrDefault(c => c.Epoch > epoch && c.At < entry.CommittedAt) is { } later)
                    yield return new Finding(Name, $"{entry.Type} at {entry.Sequence} was committed under epoch {epoch}, {entry.CommittedAt - later.At} µs after {later.Node} was given epoch {later.Epoch}", row.Run);
            }

            if (row.Epoch < epoch)
                yield return new Finding(Name, $"its row says epoch {row.Epoch}, its journal {epoch}", row.Run);
            foreach (NodeLine line in acknowledged[row.Run])
            {
                if (line.Hash is { } hash && epochOf.TryGetValue(hash, out long then) && then != line.Epoch)
                    yield return new Finding(Name, $"node {line.Node} appended {line.Sequence} under epoch {line.Epoch}; it stands in epoch {then}", row.Run);
            }
        }
    }
}
