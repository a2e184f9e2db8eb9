using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
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
        List<FamilyRow> roots = await FamilyRows.EndedRootsAfterAsync(tx, after, query.OlderThan, query.Agent, query.Tenant, PageRoots);
        List<List<FamilyRow>> ended = await FamilyRows.FamiliesAsync(tx, roots, query.OlderThan);
        ended.RemoveAll(family => !family.TrueForAll(run => run.IsOld));
        Dictionary<long, long> bytes = await FamilyRows.BytesAsync(tx, Ids(ended));
        List<EndedFamily> families =
        [
            .. ended.Select(family => new EndedFamily(
                [.. family.Select(run => new EndedRun(run.Run, run.Head))], family.Sum(run => bytes.GetValueOrDefault(run.Id)))),
        ];
        return (families, roots.Count == PageRoots ? roots[^1].Id : null);
    }

    public static async Task<IReadOnlyList<RunId>> PruneAsync(Tx tx, IReadOnlyCollection<RunId> roots, TimeSpan olderThan)
    {
        Guid[] wanted = [.. roots.Select(root => root.Value)];

        // Sessions before runs, as everywhere: a start in one finds its budget, or makes it anew.
        await using (RoundTrip locks = tx.RoundTrip())
        {
            Starts.LockSessions(locks, wanted);
            await locks.SendAsync();
        }

        long[] locked = Ids(await LookAsync(tx, wanted, olderThan));
        await FamilyRows.LockAsync(tx, locked);

        // Looked at again under the locks: only now are the changes of earlier lock holders visible.
        HashSet<long> held = [.. locked];
        List<List<FamilyRow>> families = await LookAsync(tx, wanted, olderThan);
        families.RemoveAll(family => !family.TrueForAll(run => run.IsOld && held.Contains(run.Id)));
        if (families.Count == 0)
            return [];
        await using RoundTrip trip = tx.RoundTrip();
        FamilyRows.Delete(trip, [.. families.SelectMany(family => family)], s_remembered);
        await trip.SendAsync();
        return [.. families.Select(family => family[0].Run)];
    }

    private static async Task<List<List<FamilyRow>>> LookAsync(Tx tx, Guid[] roots, TimeSpan olderThan) =>
        await FamilyRows.FamiliesAsync(tx, await FamilyRows.RootsAsync(tx, roots, olderThan), olderThan);

    private static long[] Ids(List<List<FamilyRow>> families) => [.. families.SelectMany(family => family).Select(run => run.Id)];
}
