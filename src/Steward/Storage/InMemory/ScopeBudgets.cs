using Steward.Journal;

namespace Steward.Storage.InMemory;

/// <summary>What every scope has spent and reserved, and its ceilings.</summary>
internal sealed class ScopeBudgets
{
    private readonly Dictionary<string, BudgetRow> _rows = new(StringComparer.Ordinal);

    /// <summary>Opens the budgets of a new run, and of its session when that has no ceilings yet.</summary>
    public void Open(StoredRun run, BudgetCeilings? sessionCeilings)
    {
        run.Own = Row(BudgetScope.ForRun(run.Record.Run));
        run.Own.Info = run.Own.Info with { Ceilings = run.Started.Ceilings };
        if (run.Started.Session is not { } session || sessionCeilings is not { } ceilings)
            return;
        BudgetRow row = Row(BudgetScope.ForSession(run.Started.Tenant, session));
        if (row.Info.Ceilings == BudgetCeilings.None)
            row.Info = row.Info with { Ceilings = ceilings };
    }

    /// <summary>The ceiling that a batch's changes would break; null when they fit.</summary>
    public BudgetShortfall? Check(IReadOnlyList<BudgetChange> changes, StoredRun run)
    {
        if (!changes.Reserves())
            return null;
        BudgetChange sum = changes.Sum();
        for (int i = 0; i < changes.Count; i++)
        {
            foreach (BudgetRow row in RowsOf(run, changes[i].Day))
            {
                BudgetChange change = row.IsDay ? changes.SumOf(changes[i].Day) : sum;
                if (Gate.CheckBudget(row.Info, change) is { } shortfall)
                    return shortfall;
            }
        }

        return null;
    }

    public void Draw(StoredRun run, in BudgetChange change, ref List<BudgetAlert>? alerts)
    {
        foreach (BudgetRow row in RowsOf(run, change.Day))
        {
            BudgetInfo before = row.Info;
            row.Info = Gate.Apply(before, change);
            Gate.CollectAlerts(before, row.Info, ref alerts);
        }
    }

    /// <summary>Sets the ceilings of a scope, and of the days that have opened under it.</summary>
    public void SetCeilings(BudgetScope scope, BudgetCeilings ceilings)
    {
        BudgetRow own = Row(scope);
        own.Info = own.Info with { Ceilings = ceilings };
        foreach (BudgetRow row in _rows.Values)
        {
            if (row != own && row.CeilingScope == scope)
                row.Info = row.Info with { Ceilings = ceilings };
        }
    }

    public IReadOnlyList<BudgetInfo> List(string prefix, int limit) =>
        [.. _rows
            .Where(b => b.Key.StartsWith(prefix, StringComparison.Ordinal))
            .OrderBy(b => b.Key, StringComparer.Ordinal)
            .Take(limit)
            .Select(b => b.Value.Info)];

    /// <summary>The budgets on which a run draws on a day; those of the last day asked for are kept at hand.</summary>
    private BudgetRow[] RowsOf(StoredRun run, DateOnly day)
    {
        if (run.BudgetRows.Length > 0 && run.BudgetDay == day)
            return run.BudgetRows;
        run.BudgetDay = day;
        return run.BudgetRows = [.. run.Record.ScopesOf(day).Select(Row)];
    }

    private BudgetRow Row(BudgetScope scope)
    {
        if (_rows.TryGetValue(scope.Key, out BudgetRow? row))
            return row;
        BudgetScope rules = scope.CeilingScope;
        BudgetCeilings ceilings = rules != scope && _rows.TryGetValue(rules.Key, out BudgetRow? ruling)
            ? ruling.Info.Ceilings
            : BudgetCeilings.None;
        row = new BudgetRow(rules, isDay: rules != scope) { Info = new BudgetInfo(scope, ceilings, BudgetAmount.Zero, BudgetAmount.Zero) };
        _rows.Add(scope.Key, row);
        return row;
    }
}

/// <summary>The budget of one scope.</summary>
internal sealed class BudgetRow(BudgetScope ceilingScope, bool isDay)
{
    public BudgetScope CeilingScope { get; } = ceilingScope;

    public bool IsDay { get; } = isDay;

    public required BudgetInfo Info { get; set; }
}
