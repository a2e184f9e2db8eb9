using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Declarative.Sections;
using Steward.Declarative.Stores;
using Steward.Models;

namespace Steward.Declarative;

/// <summary>An agent as a folder or an <c>agent.yaml</c> declares it, ready
/// to be hosted; <c>docs/agent-yaml.md</c> is the reference.</summary>
public sealed record AgentFile
{
    internal AgentFile()
    {
    }

    /// <summary>The JSON Schema of <c>agent.yaml</c>, for editors.</summary>
    public static string Schema { get; } = ReadSchema();

    /// <summary>The folder of the file; relative paths in it start here.</summary>
    public required string Folder { get; init; }

    /// <summary>The agent.</summary>
    public required AgentDefinition Agent { get; init; }

    /// <summary>The agents that it calls as tools.</summary>
    public IReadOnlyList<AgentFile> Others { get; init; } = [];

    /// <summary>This one, those that it calls, those that they call: each once.</summary>
    public IEnumerable<AgentFile> All => Others.SelectMany(o => o.All).Prepend(this).DistinctBy(f => f.Agent.Name);

    /// <summary>The clients of the providers that its routes name.</summary>
    public required IReadOnlyDictionary<string, Func<ModelTarget, IChatClient>> Providers { get; init; }

    /// <summary>Prices that the file declares, and those of its script.</summary>
    public IReadOnlyList<ModelInfo> Prices { get; init; } = [];

    /// <summary>The database of the runs; beside the file unless it says otherwise.</summary>
    public required StoreAddress Store { get; init; }

    /// <summary>Which model answers, in words for a banner: a real model, or a scripted one that is no model at all.</summary>
    public required string ModelDescription { get; init; }

    /// <summary>The request of the file's own example; null where it has none.</summary>
    public string? Example { get; init; }

    /// <summary>Its providers by name, for comparison with those of other files.</summary>
    internal IReadOnlyDictionary<string, ProviderEntry> ProviderEntries { get; init; } = new Dictionary<string, ProviderEntry>();

    /// <summary>Reads an agent, and makes the SQLite databases that have a seed and are not there yet.</summary>
    /// <param name="path">A folder with an <c>agent.yaml</c>, or a file.</param>
    /// <param name="options">What it may depend on from outside.</param>
    /// <exception cref="AgentFileException">Something is wrong; the message says where and what to do.</exception>
    public static AgentFile Load(string path, AgentFileOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return AgentLoader.Load(path, options ?? new AgentFileOptions());
    }

    /// <summary>Reads only where an agent keeps its runs.</summary>
    /// <param name="path">A folder with an <c>agent.yaml</c>, or a file.</param>
    /// <param name="options">What it may depend on from outside.</param>
    /// <returns>The database that the file names; null when it names none.</returns>
    /// <exception cref="AgentFileException">Something is wrong; the message says where and what to do.</exception>
    public static StoreAddress? StoreOf(string path, AgentFileOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return AgentLoader.StoreOf(path, options ?? new AgentFileOptions());
    }

    /// <summary>Reads only how an agent is called.</summary>
    /// <param name="path">A folder with an <c>agent.yaml</c>, or a file.</param>
    /// <returns>The agent's name; null when there is no file, or none that can be read.</returns>
    public static string? NameOf(string path)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(path);
        return AgentLoader.NameOf(path);
    }

    private static string ReadSchema()
    {
        using Stream stream = typeof(AgentFile).Assembly.GetManifestResourceStream("Steward.Declarative.agent.schema.json")!;
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
