using Npgsql;
using Steward.Budgets;
using Steward.Postgres.Data;

namespace Steward.Postgres.Tables;

/// <summary>The budgets' rows; money is <c>numeric</c>, so sums are exact.</summary>
internal static class BudgetRows
{
    public const string Columns = "b.scope, b.max_models, b.max_tools, b.max_tokens, b.max_usd, b.spent_models, b.spent_tools, b.spent_tokens, b.spent_usd, b.reserved_models, b.reserved_tools, b.reserved_tokens, b.reserved_usd";

    /// <summary>What a run has spent and reserved, where it may have no row.</summary>
    public const string Amounts = "coalesce(b.spent_models, 0), coalesce(b.spent_tools, 0), coalesce(b.spent_tokens, 0), coalesce(b.spent_usd, 0), coalesce(b.reserved_models, 0), coalesce(b.reserved_tools, 0), coalesce(b.reserved_tokens, 0), coalesce(b.reserved_usd, 0)";

    /// <summary>Joins the budget of a run's own scope.</summary>
    public const string OfRun = "b.scope = 'run:' || replace(r.uuid::text, '-', '')";

    public static BudgetInfo Read(NpgsqlDataReader r) => new(
        new BudgetScope(r.GetString(0)),
        new BudgetCeilings { ModelCalls = r.Int64OrNull(1), ToolCalls = r.Int64OrNull(2), Tokens = r.Int64OrNull(3), Usd = r.DecimalOrNull(4) },
        Amount(r, 5),
        Amount(r, 9));

    public static BudgetAmount Amount(NpgsqlDataReader r, int column) =>
        new(r.GetInt64(column), r.GetInt64(column + 1), r.GetInt64(column + 2), r.GetDecimal(column + 3));

    public static Task SetCeilingsAsync(Tx tx, BudgetScope scope, BudgetCeilings ceilings) => tx.ExecuteAsync(
        """
        INSERT INTO steward.budget (scope, max_models, max_tools, max_tokens, max_usd) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (scope) DO UPDATE SET max_models = $2, max_tools = $3, max_tokens = $4, max_usd = $5
        """,
        scope.Key, ceilings.ModelCalls, ceilings.ToolCalls, ceilings.Tokens, ceilings.Usd);

    /// <summary>Sets the ceilings of a scope that has none yet.</summary>
    public static Task OpenCeilingsAsync(Tx tx, BudgetScope scope, BudgetCeilings ceilings) => tx.ExecuteAsync(
        """
        INSERT INTO steward.budget AS b (scope, max_models, max_tools, max_tokens, max_usd) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (scope) DO UPDATE SET max_models = $2, max_tools = $3, max_tokens = $4, max_usd = $5
        WHERE b.max_models IS NULL AND b.max_tools IS NULL AND b.max_tokens IS NULL AND b.max_usd IS NULL
        """,
        scope.Key, ceilings.ModelCalls, ceilings.ToolCalls, ceilings.Tokens, ceilings.Usd);

    public static void Save(Tx tx, NpgsqlBatch batch, List<BudgetInfo> rows) => tx.Add(
        batch,
        """
        UPDATE steward.budget b SET spent_models = u.sm, spent_tools = u.st, spent_tokens = u.sk, spent_usd = u.su,
            reserved_models = u.rm, reserved_tools = u.rt, reserved_tokens = u.rk, reserved_usd = u.ru
        FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::numeric[], $6::bigint[], $7::bigint[], $8::bigint[], $9::numeric[])
            AS u (scope, sm, st, sk, su, rm, rt, rk, ru)
        WHERE b.scope = u.scope
        """,
        Of(rows, b => b.Scope.Key),
        Of(rows, b => b.Spent.ModelCalls), Of(rows, b => b.Spent.ToolCalls), Of(rows, b => b.Spent.Tokens), Of(rows, b => b.Spent.Usd),
        Of(rows, b => b.Reserved.ModelCalls), Of(rows, b => b.Reserved.ToolCalls), Of(rows, b => b.Reserved.Tokens), Of(rows, b => b.Reserved.Usd));

    private static T[] Of<T>(List<BudgetInfo> rows, Func<BudgetInfo, T> column) => [.. rows.Select(column)];
}
