namespace Steward.Tests.Simulation;

/// <summary>What happened in simulated worlds, so that a tame simulation is noticed.</summary>
internal sealed class Tally
{
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>Whether all that the simulation is for has happened, and often.</summary>
    public bool IsWide(int least) => ((string[])["commits", "crash", "lost reply", "hung tool", "lost effect", "takeover", "kill", "cancel", "over budget", "approved", "denied", "expired", "child", "hand-off", "step", "signal", "completed", "failed", "cancelled", "fenced", "replan", "fork", "throttled", "freeze", "cancel at work"])
        .All(what => _counts.GetValueOrDefault(what) >= least);

    public void Count(string what, long by = 1) => _counts[what] = _counts.GetValueOrDefault(what) + by;

    public void Add(Tally other)
    {
        foreach ((string what, long count) in other._counts)
            Count(what, count);
    }

    public override string ToString() => string.Join(", ", _counts.Select(c => $"{c.Value:#,0} {c.Key}"));
}
