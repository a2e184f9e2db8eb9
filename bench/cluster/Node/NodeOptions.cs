using System.Text.Json;

namespace Steward.ClusterBench.Node;

/// <summary>What a node process is told: how it reaches the database and the world, and how it works.</summary>
internal sealed record NodeOptions
{
    /// <summary>Its name in leases and in the scenario's folder.</summary>
    public required string Name { get; init; }

    /// <summary>A PostgreSQL connection string, or the path of a SQLite file.</summary>
    public required string Store { get; init; }

    public bool IsSqlite { get; init; }

    /// <summary>Whether a pooler in transaction mode stands before the database.</summary>
    public bool IsPooled { get; init; }

    /// <summary>Whether a failover of the database loses nothing that was acknowledged.</summary>
    public bool IsLossless { get; init; }

    /// <summary>The tool server's address.</summary>
    public required string Ledger { get; init; }

    /// <summary>Where it writes down what the store told it.</summary>
    public required string Log { get; init; }

    /// <summary>The version of its agents.</summary>
    public string Version { get; init; } = "1";

    public int LeaseMs { get; init; } = 2_000;

    public int Concurrency { get; init; } = 16;

    public int ModelMs { get; init; } = 15;

    /// <summary>A defect that it is given on purpose, to prove that the checker notices: see <see cref="BrokenTools"/>.</summary>
    public string? Defect { get; init; }

    public static NodeOptions Parse(string json) => JsonSerializer.Deserialize<NodeOptions>(json)!;

    public override string ToString() => JsonSerializer.Serialize(this);
}
