using System.CommandLine;
using Steward.Cli.Host;
using Steward.Cli.Rendering;

namespace Steward.Cli.Commands;

/// <summary>What every command works with.</summary>
internal sealed record CommandContext(Output Output, Shutdown Shutdown, TimeProvider Time)
{
    /// <summary>Who gives orders from this shell, unless <c>--by</c> says otherwise.</summary>
    public static string Operator => Environment.UserName is { Length: > 0 } name ? name : "cli";

    /// <summary>Opens the store that a command names, which must be there.</summary>
    public Task<OpenStore> OpenAsync(ParseResult parse, string? folder = null, CancellationToken cancellationToken = default) =>
        OpenStore.OpenAsync(
            StoreLocator.Existing(parse.GetValue(CommonOptions.Store), folder), Output, Time, cancellationToken: cancellationToken);

    /// <summary>Opens the store that a command names, and finds the run in it that the person means.</summary>
    /// <exception cref="UsageException">There is no such store or run, or several runs.</exception>
    public async Task<OpenRun> OpenRunAsync(ParseResult parse, Argument<string> run, string? folder, CancellationToken cancellationToken)
    {
        OpenStore store = await OpenAsync(parse, folder, cancellationToken);
        try
        {
            return new OpenRun(store, await RunFinder.FindAsync(store.Store, parse.GetValue(run)!, cancellationToken: cancellationToken));
        }
        catch
        {
            await store.DisposeAsync();
            throw;
        }
    }
}

/// <summary>Options that every command takes.</summary>
internal static class CommonOptions
{
    public static Option<bool> Json { get; } = new("--json")
    {
        Description = "Write JSON: one document, or one line for each event of a stream.",
        Recursive = true,
    };

    public static Option<string?> Store { get; } = new("--store")
    {
        Description = "The database of the runs: a file, an agent's folder, or postgres://user@host/database. Otherwise STEWARD_STORE, the agent given, or .steward/runs.db here.",
        HelpName = "database",
        Recursive = true,
    };

    public static Argument<string> Run() => new("run") { Description = "The run's id, the beginning of it, or 'last'." };

    public static Argument<string?> Folder(string description) =>
        new("folder") { Description = description, Arity = ArgumentArity.ZeroOrOne };

    public static Option<string?> By() =>
        new("--by") { Description = "Who decides this; otherwise the user of this shell.", HelpName = "name" };

    public static Option<bool> Scripted() =>
        new("--scripted") { Description = "Use the agent's scripted model even where a key for a real one is set." };

    public static Option<string[]> Label(string description) => new("--label") { Description = description, HelpName = "name=value" };

    /// <summary>The labels that were given; null for none.</summary>
    /// <exception cref="UsageException">One is not usable.</exception>
    public static IReadOnlyDictionary<string, string>? Labels(ParseResult parse, Option<string[]> option)
    {
        if (parse.GetValue(option) is not { Length: > 0 } texts)
            return null;
        try
        {
            return Journal.Labels.Parse(texts);
        }
        catch (ArgumentException e)
        {
            throw new UsageException($"--label: {e.Message}");
        }
    }

    public static Option<T> Named<T>(string name, string description, string? value = null) =>
        new(name) { Description = description, HelpName = value };
}
