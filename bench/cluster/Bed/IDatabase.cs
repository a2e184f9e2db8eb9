using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterBench.Bed;

/// <summary>The database of a scenario.</summary>
internal interface IDatabase : IDisposable
{
    bool IsSqlite { get; }

    /// <summary>Whether nodes may be told that a failover loses nothing.</summary>
    bool IsLossless => false;

    /// <summary>How nodes reach it: a connection string, or a path.</summary>
    string Store { get; }

    /// <summary>Reads all that the checker looks at.</summary>
    Task<JournalEvidence> ReadAsync();
}
