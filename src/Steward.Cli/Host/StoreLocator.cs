using Steward.Declarative;
using Steward.Declarative.Stores;

namespace Steward.Cli.Host;

/// <summary>Finds the database: <c>--store</c>, else <c>STEWARD_STORE</c>,
/// else the agent's own, else <c>.steward/runs.db</c> here.</summary>
internal static class StoreLocator
{
    public const string Variable = "STEWARD_STORE";

    /// <summary>The database for an agent's runs; it may not be there yet.</summary>
    public static StoreAddress ForAgent(string? option, AgentFile file) => Given(option) ?? file.Store;

    /// <summary>The database of a command that needs no agent; it may not be there yet.</summary>
    public static StoreAddress Any(string? option, string? folder) => Given(option) ?? InFolder(folder ?? Directory.GetCurrentDirectory());

    /// <summary>The database of a command that needs no agent.</summary>
    /// <exception cref="UsageException">There is none.</exception>
    public static StoreAddress Existing(string? option, string? folder)
    {
        StoreAddress address = Any(option, folder);
        return address.MayExist
            ? address
            : throw new UsageException(
                $"There is no database '{address}'. Say where it is with --store, set {Variable}, or go into the agent's folder; 'steward run' makes one.");
    }

    /// <summary>The options that lead another command to the same database; a password is left out.</summary>
    public static string Options(string? option) =>
        option is { Length: > 0 }
            ? $" --store {Quote(StoreAddress.IsPostgres(option) ? StoreAddress.OfPostgres(option).Name : option)}"
            : "";

    public static string Quote(string text) =>
        text.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '-' or '_' or ':' or '@') && text.Length > 0
            ? text
            : $"'{text.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    private static StoreAddress? Given(string? option)
    {
        string? given = option is { Length: > 0 }
            ? option
            : Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } variable
            ? variable
            : null;
        if (given is null)
            return null;
        if (StoreAddress.IsPostgres(given))
            return StoreAddress.OfPostgres(given);
        return Directory.Exists(given) ? InFolder(given) : StoreAddress.OfFile(given);
    }

    private static StoreAddress InFolder(string folder)
    {
        string file = Directory.Exists(folder) ? Path.Combine(folder, "agent.yaml") : folder;
        if (File.Exists(file))
        {
            try
            {
                if (AgentFile.StoreOf(file) is { } own)
                    return own;
            }
            catch (AgentFileException)
            {
                // The commands that need the agent say what is wrong with it; those that look at runs still work.
            }
        }

        return StoreAddress.OfFile(
            Path.Combine(Directory.Exists(folder) ? folder : Path.GetDirectoryName(Path.GetFullPath(folder))!, ".steward", "runs.db"));
    }
}
