using Microsoft.Extensions.AI;
using Steward.Agents;
using Steward.Cli.Host;
using Steward.Models;

namespace Steward.Cli.Agents;

/// <summary>An agent as a folder or an <c>agent.yaml</c> declares it, ready to be hosted.</summary>
internal sealed record AgentFile
{
    /// <summary>The folder of the file; relative paths in it start here.</summary>
    public required string Folder { get; init; }

    /// <summary>The agent.</summary>
    public required AgentDefinition Agent { get; init; }

    /// <summary>The clients of the providers that its routes name.</summary>
    public required IReadOnlyDictionary<string, Func<ModelTarget, IChatClient>> Providers { get; init; }

    /// <summary>Its providers by name, for comparison with those of other files.</summary>
    public IReadOnlyDictionary<string, ProviderEntry> ProviderEntries { get; init; } = new Dictionary<string, ProviderEntry>();

    /// <summary>The agents that it calls as tools.</summary>
    public IReadOnlyList<AgentFile> Others { get; init; } = [];

    /// <summary>This one, those that it calls, those that they call: each once.</summary>
    public IEnumerable<AgentFile> All => Others.SelectMany(o => o.All).Prepend(this).DistinctBy(f => f.Agent.Name);

    /// <summary>Prices that the file declares, and those of its script.</summary>
    public IReadOnlyList<ModelInfo> Prices { get; init; } = [];

    /// <summary>The database of the runs; beside the file unless it says otherwise.</summary>
    public required StoreAddress Store { get; init; }

    /// <summary>Who speaks, in words for the banner: a real model, or a scripted one that is no model at all.</summary>
    public required string Speaker { get; init; }

    /// <summary>The request of the file's own example, for <c>steward run</c> without one.</summary>
    public string? Example { get; init; }
}

/// <summary>What loading may depend on from outside.</summary>
internal sealed record AgentLoadOptions
{
    /// <summary>Environment variables: keys, base URLs, secrets.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>Uses the scripted model even where a key for a real one is set.</summary>
    public bool Scripted { get; init; }

    /// <summary>The folders whose agents are being read: one that is met again calls itself.</summary>
    public IReadOnlyList<string> Loading { get; init; } = [];

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;
}

/// <summary>A file that an agent is declared in is wrong; says where and what to do.</summary>
internal sealed class AgentFileException(string file, int line, int column, string message)
    : StewardException($"{file}({line},{column}): {message}")
{
    /// <summary>The file.</summary>
    public string File { get; } = file;

    /// <summary>The line, from 1.</summary>
    public int Line { get; } = line;

    /// <summary>The column, from 1.</summary>
    public int Column { get; } = column;
}
