using System.Text.Json;

namespace Steward.ClusterChecker.Evidence;

/// <summary>A row of the journal, as the database holds it.</summary>
internal sealed record Entry
{
    private (byte[] Of, JsonElement Json)? _parsed;

    public required Guid Run { get; init; }

    public required long Sequence { get; init; }

    public required string Type { get; init; }

    /// <summary>The recording node's time, in milliseconds since 1970.</summary>
    public required long Time { get; init; }

    public required byte[] Hash { get; init; }

    public required byte[] PayloadHash { get; init; }

    public required byte[] Payload { get; init; }

    /// <summary>Where its commit stands among all commits: entries of one commit have the same number, a later commit a larger one.</summary>
    public required long Commit { get; init; }

    /// <summary>When it was committed, in microseconds since 1970; null where the database does not say.</summary>
    public long? CommittedAt { get; init; }

    /// <summary>The payload. One that is not JSON is empty here: the chain's rule reports it.</summary>
    public JsonElement Json
    {
        get
        {
            if (_parsed is not { } parsed || !ReferenceEquals(parsed.Of, Payload))
                _parsed = parsed = (Payload, Parse(Payload));
            return parsed.Json;
        }
    }

    public string Text(string property) => Json.TryGetProperty(property, out JsonElement value) && value.ValueKind == JsonValueKind.String ? value.GetString()! : "";

    public int Number(string property) => Json.TryGetProperty(property, out JsonElement value) && value.TryGetInt32(out int number) ? number : 0;

    private static JsonElement Parse(byte[] payload)
    {
        try
        {
            return JsonElement.Parse(payload);
        }
        catch (JsonException)
        {
            return JsonElement.Parse("{}");
        }
    }
}

/// <summary>A run's own row.</summary>
internal sealed record RunRow
{
    public required Guid Run { get; init; }

    public required string Tenant { get; init; }

    public string? Session { get; init; }

    public required string Agent { get; init; }

    public required string Status { get; init; }

    public required string Reason { get; init; }

    public required long Epoch { get; init; }

    public required long Head { get; init; }

    public required byte[] HeadHash { get; init; }

    /// <summary>The parent first.</summary>
    public IReadOnlyList<Guid> Ancestors { get; init; } = [];

    public bool HasEnded => Status is "completed" or "failed" or "cancelled";
}

/// <summary>A signal in a run's inbox; <paramref name="Consumed"/> is the sequence of the append that applied it.</summary>
internal sealed record SignalRow(Guid Run, string Id, long? Consumed);

/// <summary>A scope's budget as the database counts it.</summary>
internal sealed record BudgetRow(string Scope, Ceilings Ceilings, Amount Spent, Amount Reserved);

/// <summary>What was read from the database of a scenario.</summary>
internal sealed record JournalEvidence
{
    /// <summary>In order of run and sequence.</summary>
    public required IReadOnlyList<Entry> Entries { get; init; }

    public required IReadOnlyList<RunRow> Runs { get; init; }

    public required IReadOnlyList<SignalRow> Signals { get; init; }

    public required IReadOnlyList<BudgetRow> Budgets { get; init; }
}
