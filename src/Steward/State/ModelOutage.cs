namespace Steward.State;

/// <summary>Models that a run needs are down, or have no capacity.</summary>
/// <param name="Since">When the run first waited for them in this turn.</param>
/// <param name="Attempts">The attempts at the turn before the last wait: those after it are counted anew.</param>
/// <param name="Waits">How often the run has waited.</param>
public sealed record ModelOutage(DateTimeOffset Since, int Attempts, int Waits)
{
    /// <summary>Which models, why, and when they are asked again; null before a version that kept it.</summary>
    public string? Why { get; init; }
}
