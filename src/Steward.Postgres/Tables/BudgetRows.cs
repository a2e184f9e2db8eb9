using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Tables;

/// <summary>What a group draws on one scope.</summary>
/// <param name="Scope">The scope.</param>
/// <param name="Change">The sum of the group.</param>
/// <param name="Ceilings">The ceilings that another row sets for it: an agent's, for each of its days.</param>
internal readonly record struct Draw(BudgetScope Scope, BudgetChange Change, BudgetCeilings? Ceilings);

/// <summary>The budgets' rows; money is <c>numeric</c>, so sums are exact.</summary>
internal static class BudgetRows
{
    public const string Columns =
        "b.scope, b.max_models, b.max_tools, b.max_tokens, b.max_usd, b.spent_models, b.spent_tools, b.spent_tokens, b.spent_usd, b.reserved_models, b.reserved_tools, b.reserved_tokens, b.reserved_usd";

    /// <summary>What a run has spent and reserved, where it may have no row.</summary>
    public const string Amounts =
        "coalesce(b.spent_models, 0), coalesce(b.spent_tools, 0), coalesce(b.spent_tokens, 0), coalesce(b.spent_usd, 0), coalesce(b.reserved_models, 0), coalesce(b.reserved_tools, 0), coalesce(b.reserved_tokens, 0), coalesce(b.reserved_usd, 0)";

    /// <summary>Joins the budget of a run's own scope.</summary>
    public const string OfRun = "b.scope = 'run:' || replace(r.uuid::text, '-', '')";

    /// <summary>The ceilings of scopes that runs share.</summary>
    public const string SharedCeilings = """
        SELECT scope, max_models, max_tools, max_tokens, max_usd FROM steward.budget
        WHERE (max_models IS NOT NULL OR max_tools IS NOT NULL OR max_tokens IS NOT NULL OR max_usd IS NOT NULL) AND scope NOT LIKE 'run:%' AND scope NOT LIKE 'session:%'
        """;

    /// <summary>All scopes, each the sum of its row and its parts.</summary>
    public const string Totals = """
        (SELECT scope, max(max_models) AS max_models, max(max_tools) AS max_tools, max(max_tokens) AS max_tokens, max(max_usd) AS max_usd,
            sum(spent_models)::bigint AS spent_models, sum(spent_tools)::bigint AS spent_tools, sum(spent_tokens)::bigint AS spent_tokens, sum(spent_usd) AS spent_usd,
            sum(reserved_models)::bigint AS reserved_models, sum(reserved_tools)::bigint AS reserved_tools, sum(reserved_tokens)::bigint AS reserved_tokens, sum(reserved_usd) AS reserved_usd
        FROM (SELECT * FROM steward.budget
            UNION ALL SELECT scope, NULL, NULL, NULL, NULL, spent_models, spent_tools, spent_tokens, spent_usd, reserved_models, reserved_tools, reserved_tokens, reserved_usd FROM steward.budget_part) AS a
        GROUP BY scope)
        """;

    private const string Drawn = """
        unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::numeric[], $6::bigint[], $7::bigint[], $8::bigint[], $9::numeric[])
            AS u (scope, sm, st, sk, su, rm, rt, rk, ru)
        """;

    public static BudgetInfo Read(NpgsqlDataReader r) => new(new BudgetScope(r.GetString(0)), CeilingsOf(r, 1), Amount(r, 5), Amount(r, 9));

    public static BudgetCeilings CeilingsOf(NpgsqlDataReader r, int column) =>
        new()
        {
            ModelCalls = r.Int64OrNull(column),
            ToolCalls = r.Int64OrNull(column + 1),
            Tokens = r.Int64OrNull(column + 2),
            Usd = r.DecimalOrNull(column + 3),
        };

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

    /// <summary>Locks and loads scopes in one order everywhere, making those that are not there.</summary>
    public static async Task<Dictionary<BudgetScope, BudgetInfo>> LockAsync(Tx tx, string[] scopes)
    {
        Dictionary<BudgetScope, BudgetInfo> rows = [];
        await using RoundTrip trip = tx.RoundTrip();
        trip.Do(
            """
            INSERT INTO steward.budget (scope)
            SELECT s FROM unnest($1::text[]) AS s WHERE NOT EXISTS (SELECT 1 FROM steward.budget b WHERE b.scope = s COLLATE "C") ORDER BY s COLLATE "C"
            ON CONFLICT DO NOTHING
            """,
            (object)scopes);
        trip.Ask(
            $"SELECT {Columns} FROM steward.budget b WHERE b.scope = ANY($1) ORDER BY b.scope FOR UPDATE",
            r =>
            {
                BudgetInfo row = Read(r);
                rows.Add(row.Scope, row);
            },
            (object)scopes);
        await trip.SendAsync();
        return rows;
    }

    /// <summary>Adds what is drawn to rows. Refuses the transaction when one is not there, or has no room
    /// for what is newly reserved: <see cref="Gate.CheckBudget"/> once more, under the row's lock.</summary>
    /// <param name="trip">The trip.</param>
    /// <param name="draws">What is drawn, each scope once and in order.</param>
    /// <param name="ruled">Called with each row that has a ceiling, as it is afterwards.</param>
    public static void Add(RoundTrip trip, IReadOnlyList<Draw> draws, Action<BudgetInfo> ruled)
    {
        trip.Ask(
            """
            WITH drawn AS (
                UPDATE steward.budget b SET spent_models = b.spent_models + u.sm, spent_tools = b.spent_tools + u.st, spent_tokens = b.spent_tokens + u.sk, spent_usd = b.spent_usd + u.su,
                    reserved_models = b.reserved_models + u.rm, reserved_tools = b.reserved_tools + u.rt, reserved_tokens = b.reserved_tokens + u.rk, reserved_usd = b.reserved_usd + u.ru
                FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::bigint[], $5::numeric[], $6::bigint[], $7::bigint[], $8::bigint[], $9::numeric[],
                        $10::bigint[], $11::bigint[], $12::bigint[], $13::numeric[], $14::bigint[], $15::bigint[], $16::bigint[], $17::numeric[])
                    AS u (scope, sm, st, sk, su, rm, rt, rk, ru, am, at, ak, au, cm, ct, ck, cu)
                WHERE b.scope = u.scope
                    AND (u.am = 0 OR coalesce(b.spent_models + u.sm + b.reserved_models + u.rm <= coalesce(b.max_models, u.cm), true))
                    AND (u.at = 0 OR coalesce(b.spent_tools + u.st + b.reserved_tools + u.rt <= coalesce(b.max_tools, u.ct), true))
                    AND (u.ak = 0 OR coalesce(b.spent_tokens + u.sk + b.reserved_tokens + u.rk <= coalesce(b.max_tokens, u.ck), true))
                    AND (u.au = 0 OR coalesce(b.spent_usd + u.su + b.reserved_usd + u.ru <= coalesce(b.max_usd, u.cu), true))
                RETURNING b.scope, coalesce(b.max_models, u.cm) AS m, coalesce(b.max_tools, u.ct) AS t, coalesce(b.max_tokens, u.ck) AS k, coalesce(b.max_usd, u.cu) AS u,
                    b.spent_models, b.spent_tools, b.spent_tokens, b.spent_usd, b.reserved_models, b.reserved_tools, b.reserved_tokens, b.reserved_usd)
            SELECT d.*, CASE WHEN (SELECT count(*) FROM drawn) = $18 THEN true ELSE steward.refuse('there is room in the budgets') END
            FROM (VALUES (1)) AS always LEFT JOIN drawn d ON d.m IS NOT NULL OR d.t IS NOT NULL OR d.k IS NOT NULL OR d.u IS NOT NULL
            """,
            r =>
            {
                if (!r.IsDBNull(0))
                    ruled(Read(r));
            },
            [
                .. Values(draws),
                Of(draws, d => d.Change.Reserve.ModelCalls), Of(draws, d => d.Change.Reserve.ToolCalls),
                Of(draws, d => d.Change.Reserve.Tokens), Of(draws, d => d.Change.Reserve.Usd),
                Of(draws, d => d.Ceilings?.ModelCalls), Of(draws, d => d.Ceilings?.ToolCalls), Of(draws, d => d.Ceilings?.Tokens),
                Of(draws, d => d.Ceilings?.Usd),
                (long)draws.Count,
            ]);
    }

    /// <summary>Adds what is drawn to a writer's own parts of scopes that have no ceiling.</summary>
    public static void AddApart(RoundTrip trip, IReadOnlyList<Draw> draws, int part) => trip.Do(
        $"""
        INSERT INTO steward.budget_part AS p (scope, part, spent_models, spent_tools, spent_tokens, spent_usd, reserved_models, reserved_tools, reserved_tokens, reserved_usd)
        SELECT u.scope, $10, u.sm, u.st, u.sk, u.su, u.rm, u.rt, u.rk, u.ru FROM {Drawn}
        ON CONFLICT (scope, part) DO UPDATE SET
            spent_models = p.spent_models + excluded.spent_models, spent_tools = p.spent_tools + excluded.spent_tools,
            spent_tokens = p.spent_tokens + excluded.spent_tokens, spent_usd = p.spent_usd + excluded.spent_usd,
            reserved_models = p.reserved_models + excluded.reserved_models, reserved_tools = p.reserved_tools + excluded.reserved_tools,
            reserved_tokens = p.reserved_tokens + excluded.reserved_tokens, reserved_usd = p.reserved_usd + excluded.reserved_usd
        """,
        [.. Values(draws), part]);

    /// <summary>Scopes, what is spent of each, and by how much the reservations grow.</summary>
    private static object[] Values(IReadOnlyList<Draw> draws) =>
    [
        Of(draws, d => d.Scope.Key),
        Of(draws, d => d.Change.Spend.ModelCalls), Of(draws, d => d.Change.Spend.ToolCalls), Of(draws, d => d.Change.Spend.Tokens),
        Of(draws, d => d.Change.Spend.Usd),
        Of(draws, d => d.Change.Reserve.ModelCalls - d.Change.Release.ModelCalls),
        Of(draws, d => d.Change.Reserve.ToolCalls - d.Change.Release.ToolCalls),
        Of(draws, d => d.Change.Reserve.Tokens - d.Change.Release.Tokens), Of(draws, d => d.Change.Reserve.Usd - d.Change.Release.Usd),
    ];

    private static T[] Of<T>(IReadOnlyList<Draw> draws, Func<Draw, T> column)
    {
        var values = new T[draws.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = column(draws[i]);
        return values;
    }
}
