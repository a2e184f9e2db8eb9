using Steward.ClusterBench.Bed;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterBench.Scenarios;

/// <summary>A named fault, or several, under load.</summary>
/// <param name="Name">The name on the command line.</param>
/// <param name="Codes">Of the list of faults: S1 to S9, D1 to D9, N1 to N9.</param>
/// <param name="What">What happens, in a line.</param>
/// <param name="PlayAsync">Starts nodes and load and makes it happen. When it returns, the fault is over and the runs may end.</param>
internal sealed record Scenario(string Name, string Codes, string What, Func<TestBed, Task> PlayAsync)
{
    /// <summary>Whether CI plays it.</summary>
    public bool IsQuick { get; init; }

    /// <summary>Makes the database, given a folder for it.</summary>
    public Func<string, IDatabase> Database { get; init; } = static _ => new PostgresDatabase();

    /// <summary>Rules whose findings are what the fault itself does, outside of what is promised: they are counted, and are no failure.</summary>
    public IReadOnlyList<string> Tolerates { get; init; } = [];

    /// <summary>What is demanded here besides the checker's rules.</summary>
    public Func<TestBed, Case, IEnumerable<Finding>> Demands { get; init; } = static (_, _) => [];

    /// <summary>Whether the fault destroys what was acknowledged. Then the promise is another one: each run that was hit is refused, and nothing is done twice.</summary>
    public bool Destroys { get; init; }

    /// <summary>What it needs that may be absent; null when nothing is.</summary>
    public Func<string?> Missing { get; init; } = Needs.Postgres;
}
