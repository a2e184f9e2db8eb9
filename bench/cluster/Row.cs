using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Scenarios;
using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Rules;

namespace Steward.ClusterBench;

/// <summary>What came of a scenario.</summary>
internal sealed record Row
{
    private const int MostFindings = 5;

    public required Scenario Scenario { get; init; }

    /// <summary>Why it was not played.</summary>
    public string? Skip { get; init; }

    public int Faults { get; init; }

    public int Runs { get; init; }

    public int Effects { get; init; }

    /// <summary>Effects beyond the first of an Unsafe or Idempotent call, and how many of those a person had allowed.</summary>
    public int Beyond { get; init; }

    public int Allowed { get; init; }

    /// <summary>Runs that were lost, and entries that were acknowledged and are not there.</summary>
    public int LostRuns { get; init; }

    public int LostEntries { get; init; }

    /// <summary>Appends that the gate refused because the run was another node's.</summary>
    public int Fenced { get; init; }

    /// <summary>Calls that reached the world under an epoch older than one it had seen.</summary>
    public int ZombieCalls { get; init; }

    public int Breaches { get; init; }

    /// <summary>Times that a person was asked and answered.</summary>
    public int Words { get; init; }

    /// <summary>Runs that a fault destroyed, and that were named and refused.</summary>
    public int Refused { get; init; }

    /// <summary>Those of them whose lost entries nobody had heard of.</summary>
    public int Unheard { get; init; }

    public IReadOnlyList<double> Takeover { get; init; } = [];

    /// <summary>Broken promises.</summary>
    public IReadOnlyList<Finding> Findings { get; init; } = [];

    public string? Failure { get; init; }

    public TimeSpan Took { get; init; }

    public bool IsBroken => Findings.Count > 0 || Failure is not null;

    public string Verdict => Skip is not null ? $"skipped: {Skip}" : IsBroken ? "**BROKEN**" : "kept";

    public static Row Skipped(Scenario scenario, string reason) => new() { Scenario = scenario, Skip = reason };

    public static Row BrokenDown(Scenario scenario, Exception e, TimeSpan took) => new() { Scenario = scenario, Failure = $"The scenario broke down: {e}", Took = took };

    public static Row Of(Scenario scenario, TestBed bed, Case found, IReadOnlyList<Finding> findings, string? failure, TimeSpan took)
    {
        (string Key, int Beyond, int Allowed)[] beyond = [.. EffectRule.Beyond(found)];
        Finding[] broken = [.. findings.Where(f => !IsFault(scenario, bed, f))];
        return new Row
        {
            Scenario = scenario,
            Faults = bed.Faults,
            Runs = found.Journal.Runs.Count,
            Effects = found.Executions.Count(),
            Beyond = beyond.Sum(b => b.Beyond),
            Allowed = beyond.Sum(b => b.Allowed),
            LostRuns = broken.Where(f => f.Rule == LostRule.Name).Select(f => f.Run).Distinct().Count(),
            LostEntries = findings.Count(f => f.Rule == DurabilityRule.Name),
            Fenced = found.Nodes.Count(n => n.Kind == "fenced"),
            ZombieCalls = found.Ledger.Count(l => l is { IsCall: true, Stale: true }),
            Breaches = findings.Count(f => f.Rule == BudgetRule.Breach),
            Takeover = [.. bed.Takeovers.SelectMany(t => t.Seconds(found.Journal)).Order()],
            Words = found.Words.Count,
            Refused = bed.Harm?.Runs.Count ?? 0,
            Unheard = bed.Harm?.Unheard.Count ?? 0,
            Findings = broken,
            Failure = failure ?? (bed.Faults == 0 ? "The fault did not happen: the scenario shows nothing." : null),
            Took = took,
        };
    }

    /// <summary>Whether a finding is the fault's own doing. That something is repeated, or goes on, never is.</summary>
    private static bool IsFault(Scenario scenario, TestBed bed, Finding finding) =>
        scenario.Tolerates.Contains(finding.Rule)
        || (scenario.Destroys && finding.Rule is not (EffectRule.Repeat or Harm.WentOn) && finding.Run is { } run && bed.Harm?.Runs.Contains(run) == true);

    /// <summary>What is broken, for people; not everything when it is much.</summary>
    public IEnumerable<string> Reasons() =>
    [
        .. Failure is null ? [] : (string[])[Failure],
        .. Findings.Take(MostFindings).Select(f => f.ToString()),
        .. Findings.Count > MostFindings ? (string[])[$"… and {Findings.Count - MostFindings} more"] : [],
    ];

    public override string ToString() => string.Join(Environment.NewLine, [$"{Scenario.Name}: {Verdict} ({Took.TotalSeconds:0} s)", .. Reasons().Select(r => $"  {r}")]);
}
