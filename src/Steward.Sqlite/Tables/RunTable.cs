using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>Times as the database keeps them: whole milliseconds since 1970, a due time never before it is due.</summary>
internal static class Instant
{
    public static long Of(DateTimeOffset time) => time.ToUnixTimeMilliseconds();

    public static long Due(DateTimeOffset time) => Of(time) + (time.UtcTicks % TimeSpan.TicksPerMillisecond == 0 ? 0 : 1);

    public static DateTimeOffset Read(long value) => DateTimeOffset.FromUnixTimeMilliseconds(value);
}

internal sealed class RunTable(Db db)
{
    public const string Columns =
        "r.id, r.uuid, r.tenant, r.user, r.session, r.agent, r.version, r.status, r.reason, r.epoch, r.worker, r.attempts, "
        + "r.head, r.head_hash, r.claimable_at, r.created_at, r.updated_at, r.ancestors, r.queued, r.slots, r.labels";
    public const int ColumnCount = 21;

    private readonly Statement _find = db.Prepare($"SELECT {Columns} FROM run r WHERE r.uuid = ?1");
    private readonly Statement _findKey = db.Prepare("SELECT uuid FROM run WHERE tenant = ?1 AND client_key = ?2");
    private readonly Statement _findStart = db.Prepare("SELECT tenant, client_key FROM run WHERE uuid = ?1");
    private readonly Statement _claimable = db.Prepare(
        $"SELECT {Columns} FROM run r WHERE r.claimable_at <= ?1 ORDER BY r.claimable_at, r.id");
    private readonly Statement _claimableOf = db.Prepare(
        $"SELECT {Columns} FROM run r WHERE r.tenant = ?2 AND r.claimable_at <= ?1 ORDER BY r.claimable_at, r.id");
    private readonly Statement _tenantAfter = db.Prepare(
        "SELECT tenant FROM run WHERE tenant > ?1 AND claimable_at IS NOT NULL ORDER BY tenant LIMIT 1");
    private readonly Statement _leasedOf = db.Prepare(
        "SELECT count(*) FROM run WHERE tenant = ?1 AND worker IS NOT NULL AND claimable_at > ?2");
    private readonly Statement _leased = db.Prepare("SELECT count(*) FROM run WHERE worker IS NOT NULL AND claimable_at > ?1");
    private readonly Statement _insert = db.Prepare($"""
        INSERT INTO run (uuid, tenant, user, session, agent, version, client_key, status, reason,
            epoch, attempts, head, head_hash, claimable_at, created_at, updated_at, ancestors, queued, labels)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, {StatusSql.Begun}, 0, 0, ?12, ?8, CASE WHEN ?11 THEN NULL ELSE ?9 END, ?9, ?9, ?10, ?11, ?13)
        """);

    private readonly Statement _record = db.Prepare(
        "UPDATE run SET status = ?2, reason = ?3, attempts = ?4, head = ?5, head_hash = ?6, updated_at = ?7, version = ?8 WHERE id = ?1");
    private readonly Statement _lease = db.Prepare(
        "UPDATE run SET epoch = ?2, worker = ?3, attempts = ?4, claimable_at = ?5, updated_at = ?6 WHERE id = ?1");
    private readonly Statement _parked = db.Prepare(
        $"SELECT {Columns} FROM run r WHERE r.worker IS NULL AND r.claimable_at IS NULL AND r.status NOT IN {StatusSql.Ended}");
    private readonly Statement _session = db.Prepare($"""
        SELECT {Columns} FROM run r
        WHERE r.tenant = ?1 AND r.session = ?2 AND r.ancestors IS NULL AND r.status NOT IN {StatusSql.Ended} ORDER BY r.id
        """);

    private readonly Statement _unqueue = db.Prepare(
        "UPDATE run SET queued = 0, claimable_at = CASE WHEN worker IS NULL THEN ?2 ELSE claimable_at END WHERE id = ?1");
    private readonly Statement _slots = db.Prepare("UPDATE run SET slots = ?2 WHERE id = ?1");
    private readonly Statement _due = db.Prepare("UPDATE run SET claimable_at = ?2 WHERE id = ?1");

    public static RunRecord Read(Statement s) => new()
    {
        Id = s.Int64(0),
        Run = new RunId(s.Guid(1)),
        Tenant = s.Text(2),
        User = s.TextOrNull(3),
        Session = s.TextOrNull(4),
        Agent = s.Text(5),
        AgentVersion = s.Text(6),
        Status = RunStatusExtensions.Parse(s.Text(7)),
        Reason = s.Text(8),
        Epoch = s.Int64(9),
        Worker = s.TextOrNull(10),
        Attempts = (int)s.Int64(11),
        Head = s.Int64(12),
        HeadHash = s.Bytes(13),
        ClaimableAt = s.Int64OrNull(14) is { } at ? Instant.Read(at) : null,
        CreatedAt = Instant.Read(s.Int64(15)),
        UpdatedAt = Instant.Read(s.Int64(16)),
        Ancestors = ReadAncestors(s, 17),
        Queued = s.Int64(18) == 1,
        Slots = SlotRules.Read(s.TextOrNull(19)),
        Labels = StoreJson.ReadLabels(s.TextOrNull(20)),
    };

    public RunRecord? Find(RunId run) => _find.Bind(1, run.Value).First(Read);

    public RunId? FindKey(string tenant, string key) =>
        _findKey.Bind(1, tenant).Bind(2, key).First(static s => (RunId?)new RunId(s.Guid(0)));

    public (string Tenant, string? Key)? FindStart(RunId run) =>
        _findStart.Bind(1, run.Value).First(static s => ((string, string?)?)(s.Text(0), s.TextOrNull(1)));

    /// <summary>The claimable runs that are wanted, longest due first.</summary>
    public List<RunRecord> Due(long now, int max, Func<RunRecord, bool> wanted) => Take(_claimable.Bind(1, now), max, wanted);

    /// <summary>The same of one tenant.</summary>
    public List<RunRecord> DueOf(string tenant, long now, int max, Func<RunRecord, bool> wanted) =>
        Take(_claimableOf.Bind(1, now).Bind(2, tenant), max, wanted);

    /// <summary>The next tenant that has runs that are, or will be, claimable;
    /// from the last back to before the first, which is null.</summary>
    public string? TenantAfter(string? tenant) => _tenantAfter.Bind(1, tenant ?? "").First(static s => s.Text(0));

    /// <summary>How many of a tenant's runs are held under a lease that has not expired.</summary>
    public int LeasedOf(string tenant, long now) => (int)_leasedOf.Bind(1, tenant).Bind(2, now).First(static s => s.Int64(0));

    /// <summary>The same of all tenants.</summary>
    public int Leased(long now) => (int)_leased.Bind(1, now).First(static s => s.Int64(0));

    /// <summary>The runs that only a signal or a switch wakes.</summary>
    public List<RunRecord> Parked() => _parked.All(Read);

    public long Insert(RunId run, RunStarted started, long head, ReadOnlySpan<byte> headHash, bool queued, long now)
    {
        _insert.Bind(1, run.Value).Bind(2, started.Tenant).Bind(3, started.User).Bind(4, started.Session)
            .Bind(5, started.Agent).Bind(6, started.AgentVersion).Bind(7, started.Key)
            .Bind(8, headHash).Bind(9, now).Bind(11, queued ? 1 : 0).Bind(12, head).Bind(13, StoreJson.Write(started.Labels));
        (started.Parent is { } parent ? _insert.Bind(10, WriteAncestors(parent.Ancestors)) : _insert.BindNull(10)).Execute();
        return db.LastId;
    }

    /// <summary>Saves what an append changes.</summary>
    public void Record(RunRecord run) =>
        _record.Bind(1, run.Id).Bind(2, run.Status.Name()).Bind(3, run.Reason).Bind(4, run.Attempts)
            .Bind(5, run.Head).Bind(6, run.HeadHash.Span).Bind(7, Instant.Of(run.UpdatedAt)).Bind(8, run.AgentVersion).Execute();

    /// <summary>Saves what a claim, a renewal or a release changes.</summary>
    public void Lease(RunRecord run) =>
        _lease.Bind(1, run.Id).Bind(2, run.Epoch).Bind(3, run.Worker).Bind(4, run.Attempts)
            .Bind(5, run.ClaimableAt is { } at ? Instant.Due(at) : null).Bind(6, Instant.Of(run.UpdatedAt)).Execute();

    /// <summary>The runs of a session that have not ended, oldest first; children are no runs of the session's own.</summary>
    public List<RunRecord> ActiveOf(string tenant, string session) => _session.Bind(1, tenant).Bind(2, session).All(Read);

    /// <summary>Lets a run begin that waited for others of its session.</summary>
    public void Unqueue(long id, long now) => _unqueue.Bind(1, id).Bind(2, now).Execute();

    public void SetSlots(long id, IReadOnlyList<ToolSlot> slots) => _slots.Bind(1, id).Bind(2, SlotRules.Write(slots)).Execute();

    public void SetDue(long id, long at) => _due.Bind(1, id).Bind(2, at).Execute();

    public static RunId[] ReadAncestors(Statement s, int column)
    {
        if (s.IsNull(column))
            return [];
        ReadOnlySpan<byte> bytes = s.Span(column);
        var ancestors = new RunId[bytes.Length / 16];
        for (int i = 0; i < ancestors.Length; i++)
            ancestors[i] = new RunId(new Guid(bytes.Slice(i * 16, 16), bigEndian: true));
        return ancestors;
    }

    private static List<RunRecord> Take(Statement rows, int max, Func<RunRecord, bool> wanted)
    {
        List<RunRecord> taken = [];
        try
        {
            while (taken.Count < max && rows.Next())
            {
                RunRecord run = Read(rows);
                if (wanted(run))
                    taken.Add(run);
            }

            return taken;
        }
        finally
        {
            rows.Reset();
        }
    }

    private static byte[] WriteAncestors(IReadOnlyList<RunId> ancestors) =>
        [.. ancestors.SelectMany(a => a.Value.ToByteArray(bigEndian: true))];
}
