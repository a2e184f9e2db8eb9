using Steward.Cli.Agents;
using Steward.Cli.Agents.Yaml;

namespace Steward.Cli.Host;

/// <summary>Finds the database: <c>--store</c>, else <c>STEWARD_STORE</c>, else the agent's own, else <c>.steward/runs.db</c> here.</summary>
internal static class StoreLocator
{
    public const string Variable = "STEWARD_STORE";

    /// <summary>The database for an agent's runs; it may not be there yet.</summary>
    public static string ForAgent(string? option, AgentFile file) => Given(option) ?? file.DatabasePath;

    /// <summary>The database of a command that needs no agent; it may not be there yet.</summary>
    public static string Any(string? option, string? folder) => Given(option) ?? InFolder(folder ?? Directory.GetCurrentDirectory());

    /// <summary>The database of a command that needs no agent.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static string Existing(string? option, string? folder)
    {
        string path = Any(option, folder);
        return File.Exists(path)
            ? path
            : throw new UsageException($"There is no database '{path}'. Say where it is with --store, set {Variable}, or go into the agent's folder; 'steward run' makes one.");
    }

    /// <summary>The options that lead another command to the same database.</summary>
    public static string Options(string? option) => option is { Length: > 0 } ? $" --store {Quote(option)}" : "";

    public static string Quote(string text) => text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '@') && text.Length > 0 ? text : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static string? Given(string? option)
    {
        string? given = option is { Length: > 0 } ? option : Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable ? variable : null;
        return given is null ? null : Directory.Exists(given) ? InFolder(given) : Path.GetFullPath(given);
    }

    private static string InFolder(string folder)
    {
        string file = Directory.Exists(folder) ? Path.Combine(folder, "agent.yaml") : folder;
        if (File.Exists(file))
        {
            try
            {
                YamlMap agent = YamlFile.Read(file).Map("an agent", AgentKeys.Agent);
                if (agent.Find("store") is { } store)
                    return new AgentScope(agent.Self.File.Folder, new AgentLoadOptions()).Resolve(store);
            }
            catch (AgentFileException)
            {
                // The commands that need the agent say what is wrong with it; those that look at runs still work.
            }
        }

        return Path.GetFullPath(Path.Combine(Directory.Exists(folder) ? folder : Path.GetDirectoryName(Path.GetFullPath(folder))!, ".steward", "runs.db"));
    }
}
