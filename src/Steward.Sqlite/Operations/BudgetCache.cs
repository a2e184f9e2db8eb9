using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>The budgets that one commit group touches: each is loaded once, changed in memory, and written back once.</summary>
/// <remarks>So a hot scope such as <c>global</c> costs one row a commit, however many runs draw on it.</remarks>
internal sealed class BudgetCache(BudgetTable table)
{
    private readonly Dictionary<BudgetScope, BudgetInfo> _rows = [];
    private readonly HashSet<BudgetScope> _changed = [];

    /// <summary>A scope's budget under the ceilings that rule it.</summary>
    public BudgetInfo Find(BudgetScope scope)
    {
        BudgetInfo row = Row(scope);
        BudgetScope ruling = scope.CeilingScope;
        return ruling == scope ? row : row with { Ceilings = Row(ruling).Ceilings };
    }

    public void SetCeilings(BudgetScope scope, BudgetCeilings ceilings) => Set(Row(scope) with { Ceilings = ceilings });

    /// <summary>Forgets a scope for good.</summary>
    public void Remove(BudgetScope scope)
    {
        _rows.Remove(scope);
        _changed.Remove(scope);
        table.Delete(scope);
    }

    /// <summary>Works out what changes do to all scopes of a run. Nothing is changed before <see cref="Keep"/>.</summary>
    public BudgetShortfall? Draw(IReadOnlyList<BudgetChange> changes, RunRecord run, out Dictionary<BudgetScope, BudgetInfo>? drawn)
    {
        drawn = null;
        if (changes.Count == 0)
            return null;
        drawn = [];
        BudgetChange sum = Nano.RoundUp(changes.Sum());
        foreach (BudgetChange change in changes)
        {
            foreach (BudgetScope scope in run.ScopesOf(change.Day))
            {
                if (drawn.ContainsKey(scope))
                    continue;
                bool isDay = scope.CeilingScope != scope;
                BudgetChange all = isDay ? Nano.RoundUp(changes.SumOf(change.Day)) : sum;
                BudgetInfo before = Find(scope);
                if (Gate.CheckBudget(before, all) is { } shortfall)
                    return shortfall;
                drawn[scope] = Gate.Apply(before, all);
            }
        }

        return null;
    }

    /// <summary>Keeps what was drawn; returns the soft thresholds that it crossed.</summary>
    public List<BudgetAlert>? Keep(Dictionary<BudgetScope, BudgetInfo> drawn)
    {
        List<BudgetAlert>? alerts = null;
        foreach ((BudgetScope scope, BudgetInfo after) in drawn)
        {
            Gate.CollectAlerts(Find(scope), after, ref alerts);
            Set(after with { Ceilings = Row(scope).Ceilings });
        }

        return alerts;
    }

    /// <summary>Writes what was changed.</summary>
    public void Flush()
    {
        foreach (BudgetScope scope in _changed)
            table.Save(_rows[scope]);
        _changed.Clear();
    }

    /// <summary>Forgets everything: the next group loads anew, for another process may have written.</summary>
    public void Clear()
    {
        _rows.Clear();
        _changed.Clear();
    }

    private BudgetInfo Row(BudgetScope scope)
    {
        if (_rows.TryGetValue(scope, out BudgetInfo? row))
            return row;
        row = table.Find(scope) ?? new BudgetInfo(scope, BudgetCeilings.None, BudgetAmount.Zero, BudgetAmount.Zero);
        return _rows[scope] = row;
    }

    private void Set(BudgetInfo row)
    {
        _rows[row.Scope] = row;
        _changed.Add(row.Scope);
    }
}
