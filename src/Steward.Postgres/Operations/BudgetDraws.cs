using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>What one group draws on budgets: each scope once, whatever the number of its runs.</summary>
/// <remarks>
/// A scope that many runs share and that has no ceiling (<c>global</c>, a tenant, an agent's day) is counted in parts. Each
/// writer has one, so no commit waits for another's. All other scopes are a row, which is where
/// a ceiling holds. The parts are put into the row in the transaction that sets a ceiling (migration 0007).
/// </remarks>
internal sealed class BudgetDraws(Control control, int part)
{
    private readonly SortedDictionary<string, Draw> _rows = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, Draw> _parts = new(StringComparer.Ordinal);
    private readonly List<(int Place, BudgetScope Scope, BudgetChange Change)> _drawn = [];
    private readonly List<BudgetInfo> _ruled = [];
    private Dictionary<BudgetScope, BudgetInfo>? _loaded;

    /// <summary>Locks and loads the rows on which batches draw, so that <see cref="Draw"/> says which one
    /// has no room. Without it all are taken to have room, until the database says otherwise.</summary>
    public async Task LoadAsync(Tx tx, IEnumerable<(RunBatch Batch, RunRecord Run)> all)
    {
        SortedSet<string> scopes = new(StringComparer.Ordinal);
        foreach ((RunBatch batch, RunRecord run) in all)
            scopes.UnionWith(batch.Budget.SelectMany(change => run.ScopesOf(change.Day)).Where(IsRow).Select(scope => scope.Key));
        _loaded = scopes.Count > 0 ? await BudgetRows.LockAsync(tx, [.. scopes]) : [];
    }

    /// <summary>Works out what changes do to all scopes of a run. Nothing is changed before <see cref="Keep"/>.</summary>
    public BudgetShortfall? Draw(
        IReadOnlyList<BudgetChange> changes,
        RunRecord run,
        out List<(BudgetScope Scope, BudgetChange Change)>? drawn)
    {
        drawn = null;
        if (changes.Count == 0)
            return null;
        drawn = [];
        BudgetChange sum = changes.Count == 1 ? changes[0] : changes.Sum();
        for (int i = 0; i < changes.Count; i++)
        {
            foreach (BudgetScope scope in run.ScopesOf(changes[i].Day))
            {
                bool ofDay = scope.CeilingScope != scope;
                if (i > 0 && !ofDay)
                    continue; // It counts over days, so the first has brought it all.
                BudgetChange all = ofDay ? changes.SumOf(changes[i].Day) : sum;
                if (_loaded is not null && IsRow(scope) && Gate.CheckBudget(Find(scope), all) is { } shortfall)
                    return shortfall;
                drawn.Add((scope, all));
            }
        }

        return null;
    }

    /// <summary>Keeps what the batch at a place of the group has drawn.</summary>
    public void Keep(int place, List<(BudgetScope Scope, BudgetChange Change)> drawn)
    {
        foreach ((BudgetScope scope, BudgetChange change) in drawn)
        {
            if (!IsRow(scope))
            {
                Add(_parts, scope, change, null);
                continue;
            }

            Add(_rows, scope, change, scope.CeilingScope == scope ? null : control.CeilingsOf(scope.CeilingScope));
            _drawn.Add((place, scope, change));
            if (_loaded is not null)
                _loaded[scope] = Gate.Apply(_loaded[scope], change);
        }
    }

    /// <summary>Adds the statements that draw.</summary>
    public void AddTo(RoundTrip trip)
    {
        _ruled.Clear();
        if (_rows.Count > 0)
            BudgetRows.Add(trip, [.. _rows.Values], _ruled.Add);
        if (_parts.Count > 0)
            BudgetRows.AddApart(trip, [.. _parts.Values], part);
    }

    /// <summary>For each place the soft thresholds that it crossed, once the database has said how far the rows are.</summary>
    public Dictionary<int, List<BudgetAlert>> Alerts()
    {
        Dictionary<int, List<BudgetAlert>> alerts = [];
        if (_ruled.Count == 0)
            return alerts;
        Dictionary<BudgetScope, BudgetInfo> rows = [];
        foreach (BudgetInfo after in _ruled)
            rows[after.Scope] = after with { Spent = after.Spent - _rows[after.Scope.Key].Change.Spend };
        foreach ((int place, BudgetScope scope, BudgetChange change) in _drawn)
        {
            if (!rows.TryGetValue(scope, out BudgetInfo? before))
                continue;
            BudgetInfo after = before with { Spent = before.Spent + change.Spend };
            List<BudgetAlert>? crossed = alerts.GetValueOrDefault(place);
            Gate.CollectAlerts(before, after, ref crossed);
            if (crossed is not null)
                alerts[place] = crossed;
            rows[scope] = after;
        }

        return alerts;
    }

    private static void Add(SortedDictionary<string, Draw> draws, BudgetScope scope, in BudgetChange change, BudgetCeilings? ceilings)
    {
        draws[scope.Key] = draws.TryGetValue(scope.Key, out Draw before)
            ? before with
            {
                Change = new BudgetChange(
                    default,
                    before.Change.Spend + change.Spend,
                    before.Change.Release + change.Release,
                    before.Change.Reserve + change.Reserve),
            }
            : new Draw(scope, change, ceilings);
    }

    /// <summary>A row under the ceilings that rule it.</summary>
    private BudgetInfo Find(BudgetScope scope)
    {
        BudgetInfo row = _loaded![scope];
        return scope.CeilingScope == scope ? row : row with { Ceilings = control.CeilingsOf(scope.CeilingScope) ?? BudgetCeilings.None };
    }

    private bool IsRow(BudgetScope scope) =>
        scope.Key.StartsWith("run:", StringComparison.Ordinal)
            || scope.Key.StartsWith("session:", StringComparison.Ordinal)
            || control.CeilingsOf(scope.CeilingScope) is not null;
}
