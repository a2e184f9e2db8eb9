using System.Text.Json;
using System.Text.Json.Serialization;

namespace Steward.Journal;

/// <summary><c>verdict.given</c>: what a validator found.</summary>
public sealed record VerdictGiven : RunEvent
{
    /// <summary>The round of validation, from 1.</summary>
    public required int Round { get; init; }

    /// <summary>The validator's name.</summary>
    public required string Validator { get; init; }

    /// <summary>Its verdict.</summary>
    public required Verdict Verdict { get; init; }

    /// <summary>What it looked at and found.</summary>
    public required string Evidence { get; init; }
}

/// <summary>A validator's verdict.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<Verdict>))]
public enum Verdict
{
    /// <summary>Proved.</summary>
    [JsonStringEnumMemberName("passed")] Passed,

    /// <summary>Disproved.</summary>
    [JsonStringEnumMemberName("failed")] Failed,

    /// <summary>It could not be found out; never counts as passed.</summary>
    [JsonStringEnumMemberName("inconclusive")] Inconclusive,
}
