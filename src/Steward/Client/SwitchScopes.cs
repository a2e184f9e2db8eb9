using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Client;

/// <summary>What engaging a kill switch did.</summary>
/// <param name="Changed">False when it was engaged already.</param>
/// <param name="Warnings">What may be a mistake, such as a scope that nothing is known of; the switch is engaged all the same.</param>
public sealed record SwitchOutcome(bool Changed, IReadOnlyList<string> Warnings);

/// <summary>Tells whether anything is known of what a kill switch is over.</summary>
public static class SwitchScopes
{
    private const int Searched = 1_000;

    /// <summary>Says that nothing is known of a scope, with the nearest names and those that there are; null when something is.</summary>
    /// <remarks>It is a warning and no error: an emergency stop may come before the first run.</remarks>
    /// <param name="store">Where runs are kept.</param>
    /// <param name="scope">The scope, as <see cref="KillSwitch.ParseScope"/> gives it.</param>
    /// <param name="agents">Names of agents that are known besides those of runs.</param>
    /// <param name="cancellationToken">Cancels the search.</param>
    public static async ValueTask<string?> WarningAsync(
        IStewardStore store,
        string scope,
        IReadOnlyCollection<string> agents,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        ArgumentNullException.ThrowIfNull(scope);
        ArgumentNullException.ThrowIfNull(agents);
        try
        {
            return await UnknownAsync(store, scope, agents, cancellationToken);
        }
        catch (StoreException)
        {
            return null; // The switch is engaged by now; that nobody could look must not read as if it were not.
        }
    }

    private static async ValueTask<string?> UnknownAsync(
        IStewardStore store,
        string scope,
        IReadOnlyCollection<string> agents,
        CancellationToken cancellationToken)
    {
        (string kind, string name) = scope.Split(':', 2) is [var k, var n] ? (k, n) : (scope, "");
        switch (kind)
        {
            case "agent" when !agents.Contains(name) && !await AnyAsync(store, new RunQuery { Agent = name }, cancellationToken):
                IReadOnlyList<string> known = await NamesAsync(store, r => r.Agent, cancellationToken);
                return Unknown(
                    name,
                    $"No agent '{name}' is known here: none of that name is registered, and it has no run",
                    [.. known.Concat(agents)]);
            case "tenant" when !await AnyAsync(store, new RunQuery { Tenant = name }, cancellationToken)
                && !(await store.BudgetsAsync(scope, 1, cancellationToken)).Any(b => b.Scope.Key == scope):
                return Unknown(
                    name,
                    $"No tenant '{name}' is known here: it has no run and no budget",
                    await NamesAsync(store, r => r.Tenant, cancellationToken));
            case "run" when !await AnyAsync(store, new RunQuery { Run = RunId.Parse(name) }, cancellationToken):
                return $"No run '{name}' is known here, so the switch holds nothing.";
            default:
                return null;
        }
    }

    private static string Unknown(string name, string what, IReadOnlyList<string> known) =>
        $"{what}. The switch holds nothing yet. {NearestNames.Hint(name, [.. known.Distinct().Order(StringComparer.Ordinal)])}";

    private static async ValueTask<bool> AnyAsync(IStewardStore store, RunQuery query, CancellationToken cancellationToken) =>
        (await store.FindAsync(query with { Limit = 1 }, cancellationToken)).Count > 0;

    private static async ValueTask<IReadOnlyList<string>> NamesAsync(
        IStewardStore store,
        Func<RunInfo, string> name,
        CancellationToken cancellationToken) =>
        [.. (await store.FindAsync(new RunQuery { Limit = Searched }, cancellationToken)).Select(name).Distinct()];
}
