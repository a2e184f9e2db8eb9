namespace Steward.Storage.InMemory;

/// <summary>The limits that are set, held against the runs as they stand.</summary>
internal sealed class LimitBook
{
    public LimitTable Table { get; private set; } = LimitTable.Empty;

    public void Set(LimitScope scope, Limits limits) => Table = Table.With(scope, limits);

    /// <summary>Whether a root run may be started. Null when it may.</summary>
    public QueueFull? CheckQueue(StoredRuns runs, string tenant, DateTimeOffset now)
    {
        if (!Table.LimitsQueue)
            return null;
        List<StoredRun> queue = [.. runs.Queue(now)];
        return Table.CheckQueue(tenant, queue.Count(r => r.Record.Tenant == tenant), queue.Count);
    }

    /// <summary>Whether there is a slot for each call that a batch starts, and what its run holds after it.</summary>
    public AppendResult.Throttled? CheckSlots(
        StoredRuns runs,
        RunBatch batch,
        StoredRun run,
        DateTimeOffset now,
        out IReadOnlyList<ToolSlot> after)
    {
        after = SlotRules.After(run.Record.Slots, batch, Table);
        return SlotRules.Check(
            batch, after, Table, tool => runs.Leased(now).Where(r => r != run).Sum(r => r.Record.Slots.Count(s => s.Tool == tool)));
    }

    public IReadOnlyList<LimitInfo> List(StoredRuns runs, DateTimeOffset now) => Table.List(
        runs.Leased(now).Select(r => (r.Record.Tenant, 1, 0)).Concat(runs.Queue(now).Select(r => (r.Record.Tenant, 0, 1))),
        runs.Leased(now).SelectMany(r => r.Record.Slots));
}
