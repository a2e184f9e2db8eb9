using Steward.Agents;
using Steward.Journal;

namespace Steward.TimeTravel;

/// <summary>With which definition a run is replayed.</summary>
public sealed record ReplayRequest
{
    /// <summary>The definition; null for the recorded ones, which must be loaded here.</summary>
    public AgentDefinition? Agent { get; init; }
}

/// <summary>What a replay found.</summary>
public sealed record ReplayReport
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Entries of its journal.</summary>
    public required long Recorded { get; init; }

    /// <summary>Entries that came out as recorded, one after the other.</summary>
    public required long Matched { get; init; }

    /// <summary>Where the replay and the journal part; null when they do not.</summary>
    public ReplayDivergence? Divergence { get; init; }
}

/// <summary>The first place at which a replay is not what was recorded.</summary>
/// <param name="Sequence">The place in the journal.</param>
/// <param name="Expected">What was recorded there.</param>
/// <param name="Actual">What came out.</param>
public sealed record ReplayDivergence(long Sequence, string Expected, string Actual);
