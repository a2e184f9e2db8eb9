using System.Text.Json;
using System.Text.Json.Nodes;

namespace Steward.Retail.Data;

/// <summary>The retail domain of τ-bench, as it lies in the folder that STEWARD_DATA names. It is read there and never copied into the repository.</summary>
internal sealed class RetailDataset
{
    private const string Variable = "STEWARD_DATA";
    private static readonly string s_place = Path.Combine("tau-bench", "retail");
    private static readonly string[] s_files = ["users.json", "orders.json", "products.json", "tools.json", "tasks_test.json", "golden_replay_test.json", "wiki.md"];

    private readonly string _folder;

    private RetailDataset(string folder)
    {
        _folder = folder;
        Documents = new Dictionary<string, JsonObject>(StringComparer.Ordinal)
        {
            ["orders"] = Map("orders.json"),
            ["products"] = Map("products.json"),
            ["users"] = Map("users.json"),
        };
        Policy = File.ReadAllText(Path.Combine(folder, "wiki.md"));
        Tools = Array("tools.json").Select(t => t.GetProperty("function")).ToDictionary(f => f.GetProperty("name").GetString()!, StringComparer.Ordinal);
        using JsonDocument golden = Parse("golden_replay_test.json");
        InitialHash = golden.RootElement.GetProperty("initial_hash_canonical_json").GetString()!;
        Tasks = [.. Array("tasks_test.json").Zip(golden.RootElement.GetProperty("tasks").EnumerateArray(), GoldenTask.Read)];
    }

    /// <summary>The shop's documents: by table, then by id.</summary>
    public IReadOnlyDictionary<string, JsonObject> Documents { get; }

    /// <summary>The shop's policy, which is the agent's instructions.</summary>
    public string Policy { get; }

    /// <summary>What the model is told of each tool: <c>name</c>, <c>description</c>, <c>parameters</c> (a JSON Schema).</summary>
    public IReadOnlyDictionary<string, JsonElement> Tools { get; }

    /// <summary>The recorded tasks.</summary>
    public IReadOnlyList<GoldenTask> Tasks { get; }

    /// <summary>The hash of the shop before a task.</summary>
    public string InitialHash { get; }

    /// <summary>Why the data set cannot be read; null when it can.</summary>
    public static string? Missing()
    {
        if (Environment.GetEnvironmentVariable(Variable) is not { Length: > 0 } root)
            return $"{Variable} is not set: it names the folder that holds {s_place} ({string.Join(", ", s_files)}).";
        string[] absent = [.. s_files.Where(f => !File.Exists(Path.Combine(root, s_place, f)))];
        return absent.Length == 0 ? null : $"{Variable} is '{root}', and {s_place} there lacks {string.Join(", ", absent)}.";
    }

    /// <summary>Reads the data set.</summary>
    /// <exception cref="InvalidOperationException">It is not there; the message says what is missing.</exception>
    public static RetailDataset Open() =>
        Missing() is { } missing
            ? throw new InvalidOperationException(missing)
            : new RetailDataset(Path.Combine(Environment.GetEnvironmentVariable(Variable)!, s_place));

    private JsonObject Map(string file) => JsonNode.Parse(File.ReadAllText(Path.Combine(_folder, file)))!.AsObject();

    private JsonElement[] Array(string file)
    {
        using JsonDocument document = Parse(file);
        return [.. document.RootElement.EnumerateArray().Select(e => e.Clone())];
    }

    private JsonDocument Parse(string file) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_folder, file)));
}
