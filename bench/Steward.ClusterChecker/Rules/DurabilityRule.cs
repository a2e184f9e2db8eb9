using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>What a node was told is durable is in the journal, with the very hash.</summary>
internal static class DurabilityRule
{
    public const string Name = "durability";

    public static IEnumerable<Finding> Check(Case all)
    {
        Dictionary<(Guid, long), string> hashes = all.Journal.Entries.ToDictionary(e => (e.Run, e.Sequence), e => Convert.ToHexString(e.Hash));
        foreach (NodeLine line in all.Nodes.Where(n => n.Kind == "acknowledged"))
        {
            if (!hashes.TryGetValue((line.Run, line.Sequence), out string? hash))
                yield return new Finding(Name, $"sequence {line.Sequence} was acknowledged to node {line.Node} and is not there", line.Run);
            else if (!string.Equals(hash, line.Hash, StringComparison.OrdinalIgnoreCase))
                yield return new Finding(Name, $"another entry stands at sequence {line.Sequence}, which was acknowledged to node {line.Node}", line.Run);
        }
    }
}
