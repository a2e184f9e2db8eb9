using Steward.ClusterBench.Node;

namespace Steward.ClusterBench;

/// <summary>Defects put in on purpose. Two are in the nodes; the others change what was read before it is checked.</summary>
internal static class Sabotage
{
    private static readonly string[] s_ofNodes = [BrokenTools.Twice, BrokenTools.Idle];

    public static IReadOnlyList<string> All { get; } = [.. s_ofNodes, .. Tampering.All.Keys];

    /// <summary>The defect that nodes are given, if it is one of theirs.</summary>
    public static string? OfNodes(string? defect) => s_ofNodes.Contains(defect) ? defect : null;
}
