using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>US dollars as whole nano-dollars.</summary>
internal static class Nano
{
    private const decimal PerDollar = 1_000_000_000m;

    /// <summary>A change with its dollars rounded up to whole nano-dollars, so that nothing is ever spent for free.</summary>
    public static BudgetChange RoundUp(in BudgetChange change) =>
        new(change.Day, RoundUp(change.Spend), RoundUp(change.Release), RoundUp(change.Reserve));

    private static BudgetAmount RoundUp(BudgetAmount amount) => amount with { Usd = Math.Ceiling(amount.Usd * PerDollar) / PerDollar };

    /// <summary>A ceiling, rounded down: it is never exceeded, not even by a nano-dollar.</summary>
    public static long? Ceiling(decimal? usd) => usd is { } dollars ? Saturate(Math.Floor(dollars * PerDollar)) : null;

    public static long Of(decimal usd) => Saturate(Math.Ceiling(usd * PerDollar));

    public static decimal Usd(long nano) => nano / PerDollar;

    private static long Saturate(decimal nano) => (long)Math.Clamp(nano, long.MinValue, long.MaxValue);
}

/// <summary>The budgets' rows.</summary>
internal sealed class BudgetTable(Db db)
{
    public const string Columns =
        "scope, max_models, max_tools, max_tokens, max_nano, spent_models, spent_tools, spent_tokens, spent_nano, reserved_models, reserved_tools, reserved_tokens, reserved_nano";

    private readonly Statement _find = db.Prepare($"SELECT {Columns} FROM budget WHERE scope = ?1");
    private readonly Statement _save = db.Prepare($"""
        INSERT INTO budget ({Columns}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)
        ON CONFLICT (scope) DO UPDATE SET max_models = ?2, max_tools = ?3, max_tokens = ?4, max_nano = ?5,
            spent_models = ?6, spent_tools = ?7, spent_tokens = ?8, spent_nano = ?9,
            reserved_models = ?10, reserved_tools = ?11, reserved_tokens = ?12, reserved_nano = ?13
        """);

    private readonly Statement _delete = db.Prepare("DELETE FROM budget WHERE scope = ?1");

    public static BudgetInfo Read(Statement s) => new(
        new BudgetScope(s.Text(0)),
        new BudgetCeilings
        {
            ModelCalls = s.Int64OrNull(1),
            ToolCalls = s.Int64OrNull(2),
            Tokens = s.Int64OrNull(3),
            Usd = s.Int64OrNull(4) is { } nano ? Nano.Usd(nano) : null,
        },
        ReadAmount(s, 5),
        ReadAmount(s, 9));

    public static BudgetAmount ReadAmount(Statement s, int column) =>
        new(s.Int64(column), s.Int64(column + 1), s.Int64(column + 2), Nano.Usd(s.Int64(column + 3)));

    public BudgetInfo? Find(BudgetScope scope) => _find.Bind(1, scope.Key).First(Read);

    public void Delete(BudgetScope scope) => _delete.Bind(1, scope.Key).Execute();

    public void Save(BudgetInfo budget)
    {
        (BudgetCeilings ceilings, BudgetAmount spent, BudgetAmount reserved) = (budget.Ceilings, budget.Spent, budget.Reserved);
        _save.Bind(1, budget.Scope.Key)
            .Bind(2, ceilings.ModelCalls).Bind(3, ceilings.ToolCalls).Bind(4, ceilings.Tokens).Bind(5, Nano.Ceiling(ceilings.Usd))
            .Bind(6, spent.ModelCalls).Bind(7, spent.ToolCalls).Bind(8, spent.Tokens).Bind(9, Nano.Of(spent.Usd))
            .Bind(10, reserved.ModelCalls).Bind(11, reserved.ToolCalls).Bind(12, reserved.Tokens).Bind(13, Nano.Of(reserved.Usd))
            .Execute();
    }
}
