using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Host;

/// <summary>Finds the run that a person means: a whole id, the beginning of one, or <c>last</c>.</summary>
internal static class RunFinder
{
    private const int Searched = 10_000;

    /// <exception cref="UsageException">There is no such run, or several.</exception>
    public static async Task<RunInfo> FindAsync(
        IRunStore store,
        string text,
        string? agent = null,
        CancellationToken cancellationToken = default)
    {
        string wanted = text.Replace("-", "", StringComparison.Ordinal).ToLowerInvariant();
        if (wanted == "last")
            return await NewestAsync(store, agent, cancellationToken);
        if (wanted.Length == 0 || !wanted.All(char.IsAsciiHexDigit))
            throw new UsageException($"'{text}' is not a run; expected its id, the beginning of it, or 'last'. 'steward runs' lists them.");
        if (wanted.Length == 32)
            return (await store.FindAsync(new RunQuery { Run = RunId.Parse(wanted), Limit = 1 }, cancellationToken)) is [var only]
                ? only
                : throw Unknown(text);

        RunInfo[] found =
            [.. (await store.FindAsync(new RunQuery { Limit = Searched }, cancellationToken))
                .Where(r => r.Run.ToString().StartsWith(wanted, StringComparison.Ordinal))];
        return found switch
        {
            [var one] => one,
            [] => throw Unknown(text),
            _ => throw new UsageException(
                $"'{text}' is the beginning of {found.Length} runs: {string.Join(", ", found.Take(3).Select(r => r.Run.ToString()))}{(found.Length > 3 ? " …" : "")}. Write more of it."),
        };
    }

    /// <summary>A scope whose run may be written as its beginning, or as <c>run:last</c>.</summary>
    public static async Task<string> ScopeAsync(IRunStore store, string scope, CancellationToken cancellationToken) =>
        scope.StartsWith("run:", StringComparison.Ordinal) && scope.Length > 4
            ? $"run:{(await FindAsync(store, scope[4..], cancellationToken: cancellationToken)).Run}"
            : scope;

    private static async Task<RunInfo> NewestAsync(IRunStore store, string? agent, CancellationToken cancellationToken) =>
        (await store.FindAsync(new RunQuery { Agent = agent, Limit = 1 }, cancellationToken)) is [var newest]
            ? newest
            : throw new UsageException(
                $"There is no run yet{(agent is null ? "" : $" of the agent '{agent}'")}. Start one with 'steward run'.");

    private static UsageException Unknown(string text) =>
        new($"There is no run '{text}' in this database. 'steward runs' lists them; --store names another database.");
}
