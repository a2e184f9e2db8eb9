using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>What counts against limits.</summary>
internal sealed class LoadTable(Db db)
{
    /// <summary>Held by a worker whose lease has not expired: ?1 is the time.</summary>
    private const string Leased = "r.worker IS NOT NULL AND r.claimable_at > ?1";

    /// <summary>Claimable, or waiting for its turn in a session.</summary>
    private static readonly string s_queue = $"""
        SELECT r.tenant FROM run r WHERE r.claimable_at <= ?1
        UNION ALL
        SELECT r.tenant FROM run r WHERE r.queued AND r.worker IS NULL AND r.claimable_at IS NULL AND r.status NOT IN {StatusSql.Ended}
        """;

    public const string SlotsQuery = $"SELECT r.id, r.slots FROM run r WHERE r.slots IS NOT NULL AND {Leased}";
    public static readonly string TenantsQuery = $"""
        SELECT tenant, sum(leased), sum(queue) FROM (
            SELECT r.tenant AS tenant, 1 AS leased, 0 AS queue FROM run r WHERE {Leased}
            UNION ALL
            SELECT q.tenant, 0, 1 FROM ({s_queue}) AS q)
        GROUP BY tenant
        """;

    private readonly Statement _slots = db.Prepare(SlotsQuery);
    private readonly Statement _queue = db.Prepare($"SELECT coalesce(sum(q.tenant = ?2), 0), count(*) FROM ({s_queue}) AS q");

    public static (long Run, IReadOnlyList<ToolSlot> Slots) ReadSlots(Statement s) => (s.Int64(0), SlotRules.Read(s.Text(1)));

    public static (string Tenant, int Runs, int Queue) ReadTenant(Statement s) => (s.Text(0), (int)s.Int64(1), (int)s.Int64(2));

    /// <summary>The slots of all runs whose lease has not expired.</summary>
    public List<(long Run, IReadOnlyList<ToolSlot> Slots)> Slots(long now) => _slots.Bind(1, now).All(ReadSlots);

    /// <summary>How many runs are in the queue of a tenant, and in all.</summary>
    public (int OfTenant, int OfAll) Queued(string tenant, long now) =>
        _queue.Bind(1, now).Bind(2, tenant).First(static s => ((int)s.Int64(0), (int)s.Int64(1)));
}
