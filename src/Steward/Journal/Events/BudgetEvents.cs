using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>budget.refused</c>: the gate refused an intent because a ceiling would break.</summary>
public sealed record BudgetRefused : RunEvent
{
    /// <summary>The scope whose ceiling it was.</summary>
    public required string Scope { get; init; }

    /// <summary>The metric.</summary>
    public required BudgetMetric Metric { get; init; }

    /// <summary>The ceiling.</summary>
    public required decimal Ceiling { get; init; }

    /// <summary>Already spent.</summary>
    public required decimal Spent { get; init; }

    /// <summary>Reserved by calls in flight.</summary>
    public required decimal Reserved { get; init; }

    /// <summary>What the intent asked for.</summary>
    public required decimal Asked { get; init; }
}

/// <summary><c>budget.alert</c>: a soft threshold was crossed.</summary>
public sealed record BudgetAlerted(string Scope, BudgetMetric Metric, decimal Threshold, decimal Used, decimal Ceiling) : RunEvent;
