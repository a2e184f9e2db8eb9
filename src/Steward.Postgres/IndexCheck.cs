using Npgsql;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>Whether the indexes hold what the tables do, so that no query misses a row that is there.</summary>
/// <remarks>PostgreSQL's own <c>amcheck</c> does it; an administrator installs it (<c>CREATE EXTENSION amcheck</c>) and grants it.</remarks>
internal static class IndexCheck
{
    /// <summary>Whether the check is installed, and this role may use it.</summary>
    public const string IsThere = """
        coalesce((SELECT bool_or(has_function_privilege(p.oid, 'EXECUTE')) FROM pg_proc p JOIN pg_depend d ON d.objid = p.oid AND d.deptype = 'e'
            JOIN pg_extension x ON x.oid = d.refobjid AND x.extname = 'amcheck'
            WHERE p.proname = 'bt_index_check' AND p.pronargs = 2), false)
        """;

    /// <returns>What is wrong; empty when nothing is, or the check is not there.</returns>
    public static async Task<List<StoreProblem>> RunAsync(Tx tx)
    {
        List<StoreProblem> problems = [];
        if (await tx.FirstAsync($"SELECT {IsThere}", static r => r.GetBoolean(0)) is false)
            return problems;
        string? home = await tx.FirstAsync(
            "SELECT n.nspname FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace WHERE x.extname = 'amcheck'",
            static r => r.GetString(0));
        List<(uint Id, string Name, string Table)> indexes = await tx.AllAsync(
            """
            SELECT i.indexrelid, c.relname, t.relname FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_am a ON a.oid = c.relam AND a.amname = 'btree' JOIN pg_class t ON t.oid = i.indrelid
            WHERE t.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'steward.run'::regclass) AND i.indisvalid
            ORDER BY c.relname
            """,
            static r => (r.GetFieldValue<uint>(0), r.GetString(1), r.GetString(2)));
        foreach ((uint id, string name, string table) in indexes)
        {
            try
            {
                await tx.ExecuteAsync($"SELECT \"{home}\".bt_index_check($1::oid::regclass, true)", (long)id);
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.IndexCorrupted or PostgresErrorCodes.DataCorrupted)
            {
                problems.Add(
                    new StoreProblem(null, null,
                        $"The index '{name}' does not hold what the table '{table}' does: {e.MessageText}. Make it anew with REINDEX."));
            }
            catch (PostgresException e) when (e.SqlState is PostgresErrorCodes.UndefinedFunction)
            {
                break; // Somebody has just removed it.
            }
        }

        return problems;
    }
}
