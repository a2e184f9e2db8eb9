using Npgsql;
using Steward.Budgets;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>The budgets that one group touches: locked and loaded once, changed in memory, written back once.</summary>
/// <remarks>So a hot scope such as <c>global</c> costs one row a transaction, however many runs of this node draw on it.</remarks>
internal sealed class BudgetBook
{
    private readonly Dictionary<BudgetScope, BudgetInfo> _rows = [];
    private readonly HashSet<BudgetScope> _changed = [];

    /// <summary>Locks and loads the scopes on which batches draw, in one order everywhere: first those that are new, then all.</summary>
    public async Task LoadAsync(Tx tx, IEnumerable<(RunBatch Batch, RunRow Run)> all)
    {
        SortedSet<string> drawn = new(StringComparer.Ordinal);
        SortedSet<string> ruling = new(StringComparer.Ordinal);
        foreach ((RunBatch batch, RunRow run) in all)
        {
            foreach (BudgetScope scope in batch.Budget.SelectMany(change => ScopesOf(run, change)))
            {
                drawn.Add(scope.Key);
                ruling.Add(scope.CeilingScope.Key);
            }
        }

        if (drawn.Count == 0)
            return;
        ruling.UnionWith(drawn);
        await using NpgsqlBatch batchOf = tx.Batch();
        tx.Add(
            batchOf,
            """
            INSERT INTO steward.budget (scope)
            SELECT s FROM unnest($1::text[]) AS s WHERE NOT EXISTS (SELECT 1 FROM steward.budget b WHERE b.scope = s COLLATE "C") ORDER BY s COLLATE "C"
            ON CONFLICT DO NOTHING
            """,
            (object)drawn.ToArray());
        tx.Add(batchOf, $"SELECT {BudgetRows.Columns} FROM steward.budget b WHERE b.scope = ANY($1) ORDER BY b.scope FOR UPDATE", (object)ruling.ToArray());
        await using NpgsqlDataReader reader = await batchOf.ExecuteReaderAsync(tx.CancellationToken);
        foreach (BudgetInfo row in await tx.ReadAllAsync(reader, BudgetRows.Read))
            _rows[row.Scope] = row;
    }

    /// <summary>Works out what changes do to all scopes of a run. Nothing is changed before <see cref="Keep"/>.</summary>
    public BudgetShortfall? Draw(IReadOnlyList<BudgetChange> changes, RunRow run, out Dictionary<BudgetScope, BudgetInfo>? drawn)
    {
        drawn = null;
        if (changes.Count == 0)
            return null;
        drawn = [];
        BudgetChange sum = changes.Sum();
        foreach (BudgetChange change in changes)
        {
            foreach (BudgetScope scope in ScopesOf(run, change))
            {
                if (drawn.ContainsKey(scope))
                    continue;
                BudgetChange all = scope.CeilingScope == scope ? sum : changes.SumOf(change.Day);
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
            _rows[scope] = after with { Ceilings = Row(scope).Ceilings };
            _changed.Add(scope);
        }

        return alerts;
    }

    /// <summary>Adds the statement that writes what was changed.</summary>
    public void Save(Tx tx, NpgsqlBatch batch)
    {
        if (_changed.Count > 0)
            BudgetRows.Save(tx, batch, [.. _changed.Select(Row)]);
    }

    private static BudgetScope[] ScopesOf(RunRow run, BudgetChange change) =>
        Gate.Scopes(run.Run, run.Tenant, run.Session, run.Agent, change.Day, run.Ancestors);

    /// <summary>A scope's budget under the ceilings that rule it.</summary>
    private BudgetInfo Find(BudgetScope scope)
    {
        BudgetScope ruling = scope.CeilingScope;
        return ruling == scope ? Row(scope) : Row(scope) with { Ceilings = Row(ruling).Ceilings };
    }

    private BudgetInfo Row(BudgetScope scope) =>
        _rows.TryGetValue(scope, out BudgetInfo? row) ? row : new BudgetInfo(scope, BudgetCeilings.None, BudgetAmount.Zero, BudgetAmount.Zero);
}
