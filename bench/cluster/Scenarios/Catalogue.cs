namespace Steward.ClusterBench.Scenarios;

/// <summary>All scenarios, in the order in which they are played.</summary>
internal static class Catalogue
{
    public static IReadOnlyList<Scenario> All { get; } = [.. NodeFaults.All, .. NetworkFaults.All, .. DatabaseFaults.All, .. DiskFaults.All];
}
