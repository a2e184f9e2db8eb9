using Npgsql;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Families of runs that ended long ago: finding them, and deleting them.</summary>
internal static class Retention
{
    private const int PageRoots = 100;
    private static readonly TimeSpan s_remembered = TimeSpan.FromDays(30);

    /// <summary>The next ended families, and the root after which to go on; null at the end.</summary>
    public static async Task<(List<EndedFamily> Families, long? Next)> PageAsync(Tx tx, RetentionQuery query, long after)
    {
        List<(FamilyRow Run, long Bytes)> found = await FamilyRows.EndedAfterAsync(tx, after, query.OlderThan, query.Agent, query.Tenant, PageRoots);
        List<EndedFamily> families = [];
        int roots = 0;
        foreach (IGrouping<long, (FamilyRow Run, long Bytes)> family in found.GroupBy(member => member.Run.Root))
        {
            roots++;
            if (family.All(member => member.Run.IsOld))
                families.Add(new EndedFamily([.. family.Select(member => new EndedRun(member.Run.Run, member.Run.Head))], family.Sum(member => member.Bytes)));
        }

        return (families, roots == PageRoots ? found[^1].Run.Root : null);
    }

    public static async Task<IReadOnlyList<RunId>> PruneAsync(Tx tx, IReadOnlyCollection<RunId> roots, TimeSpan olderThan)
    {
        Guid[] wanted = [.. roots.Select(root => root.Value)];

        // Sessions before runs, as everywhere: whoever starts a run in one finds its budget, or makes it anew.
        await using (NpgsqlBatch locks = tx.Batch())
        {
            Starts.LockSessions(tx, locks, wanted);
            await locks.ExecuteNonQueryAsync(tx.CancellationToken);
        }

        // Looked at again by a statement of its own: only that one sees what those did for whom the locks had to wait.
        await FamilyRows.LockAsync(tx, wanted, olderThan);
        List<FamilyRow>[] families = [.. (await FamilyRows.OfAsync(tx, wanted, olderThan)).GroupBy(run => run.Root).Select(family => family.ToList()).Where(family => family.TrueForAll(run => run.IsOld))];
        if (families.Length == 0)
            return [];
        await using NpgsqlBatch batch = tx.Batch();
        FamilyRows.Delete(tx, batch, [.. families.SelectMany(family => family)], s_remembered);
        await batch.ExecuteNonQueryAsync(tx.CancellationToken);
        return [.. families.Select(family => family[0].Run)];
    }
}
