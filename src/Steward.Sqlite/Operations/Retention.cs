using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>Families of runs that ended long ago: finding them, and deleting them inside the writer's transaction.</summary>
internal static class Retention
{
    private const int PageRoots = 100;

    /// <summary>The next ended families, and the root after which to go on; null at the end.</summary>
    public static (List<EndedFamily> Families, long? Next) Page(Db db, RetentionQuery query, long before, long after)
    {
        List<(long Id, RunId Run)> roots = FamilyTable.EndedRootsAfter(db, after, before, query.Agent, query.Tenant, PageRoots);
        List<EndedFamily> families = [];
        foreach ((_, RunId root) in roots)
        {
            List<FamilyRow> family = FamilyTable.Of(db, root);
            if (family.TrueForAll(run => run.EndedBefore(before)))
                families.Add(
                    new EndedFamily([.. family.Select(run => new EndedRun(run.Run, run.Head))], family.Sum(run =>
                        FamilyTable.Bytes(db, run.Id))));
        }

        return (families, roots.Count == PageRoots ? roots[^1].Id : null);
    }

    public static IReadOnlyList<RunId> Prune(WriteSession session, IReadOnlyCollection<RunId> roots, TimeSpan olderThan)
    {
        long before = session.Now - (long)olderThan.TotalMilliseconds;
        List<RunId> gone = [];
        foreach (RunId root in roots)
        {
            // Of a run that is refused nobody knows how it really ended.
            List<FamilyRow> family = FamilyTable.Of(session.Db, root);
            if (family.Count == 0 || !family.TrueForAll(run => run.EndedBefore(before) && !session.Refused.ContainsKey(run.Run)))
                continue;
            Delete(session, family);
            gone.Add(root);
        }

        return gone;
    }

    private static void Delete(WriteSession session, List<FamilyRow> family)
    {
        foreach (FamilyRow run in family)
        {
            FamilyTable.Delete(session.Db, run);
            session.Budgets.Remove(BudgetScope.ForRun(run.Run));
        }

        foreach ((string tenant, string name) in family.Where(run => run.Session is not null).Select(
            run => (run.Tenant, run.Session!)).Distinct())
        {
            if (!FamilyTable.HasRuns(session.Db, tenant, name))
                session.Budgets.Remove(BudgetScope.ForSession(tenant, name));
        }
    }
}
