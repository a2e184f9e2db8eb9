using Npgsql;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>Whether the indexes hold what the tables do, so that no query misses a row that is there.</summary>
/// <remarks>PostgreSQL's own <c>amcheck</c> does it; an administrator installs it
/// (<c>CREATE EXTENSION amcheck</c>) and grants it.</remarks>
internal static class IndexCheck
{
    /// <summary>Whether the check is installed, and this role may use it.</summary>
    public const string IsThere = """
        coalesce((SELECT bool_or(has_function_privilege(p.oid, 'EXECUTE'))
            FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
            JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'amcheck'
            WHERE p.proname = 'bt_index_check' AND p.pronargs = 2), false)
        """;

    private static readonly string s_call =
        "SELECT quote_ident(n.nspname) FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace "
        + $"WHERE x.extname = 'amcheck' AND {IsThere}";

    /// <returns>What is wrong; empty when nothing is, or the check is not there.</returns>
    public static async Task<List<StoreProblem>> RunAsync(Database database, CancellationToken cancellationToken)
    {
        List<StoreProblem> problems = [];
        if (await database.ReadAsync(tx => tx.FirstAsync(s_call, static r => r.GetString(0)), cancellationToken) is not { } home)
            return problems;
        List<Index> indexes = await database.ReadAsync(
            tx => tx.AllAsync(
                """
                SELECT i.indexrelid, c.relname, t.relname FROM pg_index i
                JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_class t ON t.oid = i.indrelid
                JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree'
                WHERE t.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'steward.run'::regclass) AND i.indisvalid
                ORDER BY c.relname
                """,
                static r => new Index(r.GetFieldValue<uint>(0), r.GetString(1), r.GetString(2))),
            cancellationToken);

        // A connection each: the driver closes one on which corruption was reported.
        foreach (Index index in indexes)
        {
            if (await database.ReadAsync(tx => CheckAsync(tx, home, index), cancellationToken) is { } problem)
                problems.Add(problem);
        }

        return problems;
    }

    private static async Task<StoreProblem?> CheckAsync(Tx tx, string home, Index index)
    {
        try
        {
            await tx.ExecuteAsync($"SELECT {home}.bt_index_check($1::oid::regclass, true)", (long)index.Id);
            return null;
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.IndexCorrupted or PostgresErrorCodes.DataCorrupted)
        {
            return new StoreProblem(null, null,
                $"The index '{index.Name}' does not hold what the table '{index.Table}' does: {e.MessageText}. Make it anew with REINDEX.");
        }
        catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedFunction)
        {
            return null; // Somebody has just removed the extension.
        }
    }

    private sealed record Index(uint Id, string Name, string Table);
}
