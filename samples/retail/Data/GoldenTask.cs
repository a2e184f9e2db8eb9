using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Retail.Tools;

namespace Steward.Retail.Data;

/// <summary>A call of a task, and what it was answered when the task was recorded.</summary>
/// <param name="Tool">The tool.</param>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Observation">What it said; null for the calls that the recording left out (hand-overs to a person, which change nothing).</param>
internal sealed record GoldenCall(string Tool, JsonObject Arguments, string? Observation)
{
    /// <summary>Whether the shop refused it.</summary>
    public bool IsError => Observation?.StartsWith("Error", StringComparison.Ordinal) == true;

    /// <summary>Tool and canonical arguments: the same for the very same call.</summary>
    public string Identity => IdentityOf(Tool, Arguments);

    /// <inheritdoc cref="Identity"/>
    public static string IdentityOf(string tool, JsonNode? arguments) => $"{tool} {PythonJson.Canonical(arguments ?? new JsonObject())}";
}

/// <summary>One difference between the shop before and after: a JSON pointer and what is there now.</summary>
internal sealed record Difference(string Operation, string Path, string? Value)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Operation} {Path} = {Value}";
}

/// <summary>A recorded task: what the customer wants, the calls that serve it, and the shop that they leave behind.</summary>
internal sealed record GoldenTask
{
    /// <summary>Its number.</summary>
    public required int Id { get; init; }

    /// <summary>The customer.</summary>
    public required string User { get; init; }

    /// <summary>What the customer wants.</summary>
    public required string Instruction { get; init; }

    /// <summary>The calls, in their order.</summary>
    public required IReadOnlyList<GoldenCall> Calls { get; init; }

    /// <summary>The hash of the shop afterwards; see <see cref="Shop.Snapshot.Hash"/>.</summary>
    public required string FinalHash { get; init; }

    /// <summary>The calls that change something and were not refused.</summary>
    public IReadOnlyList<GoldenCall> Effects => [.. Calls.Where(c => RetailTools.Writing.Contains(c.Tool) && !c.IsError)];

    /// <summary>How the shop differs afterwards, by path.</summary>
    public required IReadOnlyList<Difference> Differences { get; init; }

    /// <summary>The task of two entries, one of each file.</summary>
    public static GoldenTask Read(JsonElement task, JsonElement replay)
    {
        JsonElement[] observations = [.. replay.GetProperty("observations").EnumerateArray()];
        return new GoldenTask
        {
            Id = task.GetProperty("id").GetInt32(),
            User = task.GetProperty("user_id").GetString()!,
            Instruction = task.GetProperty("instruction").GetString()!,
            Calls = [.. task.GetProperty("actions").EnumerateArray().Select((action, i) => ReadCall(action, observations[i]))],
            FinalHash = replay.GetProperty("final_hash_canonical_json").GetString()!,
            Differences = [.. replay.GetProperty("db_diff").EnumerateArray().Select(ReadDifference)],
        };
    }

    private static GoldenCall ReadCall(JsonElement action, JsonElement observation) => new(
        action.GetProperty("name").GetString()!,
        JsonObject.Create(action.GetProperty("kwargs"))!,
        observation.TryGetProperty("observation", out JsonElement text) ? text.GetString() : null);

    private static Difference ReadDifference(JsonElement difference) => new(
        difference.GetProperty("op").GetString()!,
        difference.GetProperty("path").GetString()!,
        difference.TryGetProperty("value", out JsonElement value) ? PythonJson.Canonical(JsonNode.Parse(value.GetRawText())) : null);
}
