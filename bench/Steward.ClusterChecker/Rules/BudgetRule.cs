using System.Globalization;
using Steward.ClusterChecker.Evidence;

namespace Steward.ClusterChecker.Rules;

/// <summary>After every commit, spent and reserved together are within every ceiling; at the end, what the database counts for each scope is what the events add up to.</summary>
internal static class BudgetRule
{
    public const string Breach = "budget";
    public const string Count = "budget-count";

    public static IEnumerable<Finding> Check(Case all)
    {
        Dictionary<string, BudgetRow> rows = all.Journal.Budgets.ToDictionary(b => b.Scope);
        Dictionary<Guid, RunRow> runs = all.Journal.Runs.ToDictionary(r => r.Run);
        Dictionary<Guid, Reservations> open = [];
        Dictionary<string, (Amount Spent, Amount Reserved)> totals = [];
        HashSet<string> broken = [];
        foreach (IGrouping<long, Entry> commit in all.Journal.Entries.GroupBy(e => e.Commit).OrderBy(g => g.Key))
        {
            HashSet<string> drawn = [];
            foreach (Entry entry in commit.OrderBy(e => e.Run).ThenBy(e => e.Sequence))
            {
                if (!runs.TryGetValue(entry.Run, out RunRow? run))
                    continue;
                Reservations mine = open.TryGetValue(entry.Run, out Reservations? known) ? known : open[entry.Run] = new Reservations();
                foreach (Change change in mine.Apply(entry))
                {
                    foreach (string scope in ScopesOf(run, change.Day))
                    {
                        (Amount spent, Amount reserved) = totals.GetValueOrDefault(scope);
                        totals[scope] = (spent + change.Spend, reserved - change.Release + change.Reserve);
                        drawn.Add(scope);
                    }
                }
            }

            foreach (string scope in drawn)
            {
                (Amount spent, Amount reserved) = totals[scope];
                if (rows.TryGetValue(RulingOf(scope), out BudgetRow? row) && row.Ceilings.BrokenBy(spent + reserved) is { } how && broken.Add(scope))
                    yield return new Finding(Breach, $"{scope}: {how} after commit {commit.Key}");
            }
        }

        foreach (string scope in totals.Keys.Union(rows.Keys).Order(StringComparer.Ordinal))
        {
            (Amount spent, Amount reserved) = totals.GetValueOrDefault(scope);
            BudgetRow row = rows.GetValueOrDefault(scope) ?? new BudgetRow(scope, default, default, default);
            if (row.Spent != spent || row.Reserved != reserved)
                yield return new Finding(Count, $"{scope}: the database counts {row.Spent} spent, {row.Reserved} reserved; the events add up to {spent} spent, {reserved} reserved");
        }
    }

    private static IEnumerable<string> ScopesOf(RunRow run, DateOnly day)
    {
        yield return $"run:{run.Run:n}";
        foreach (Guid ancestor in run.Ancestors)
            yield return $"run:{ancestor:n}";
        if (run.Session is { } session)
            yield return $"session:{Uri.EscapeDataString(run.Tenant)}/{session}";
        yield return $"tenant:{run.Tenant}";
        yield return string.Create(CultureInfo.InvariantCulture, $"agent:{run.Agent}@{day:yyyy-MM-dd}");
        yield return "global";
    }

    /// <summary>An agent's ceilings hold for each of its days.</summary>
    private static string RulingOf(string scope) => scope.StartsWith("agent:", StringComparison.Ordinal) && scope.LastIndexOf('@') is var at and > 0 ? scope[..at] : scope;
}
