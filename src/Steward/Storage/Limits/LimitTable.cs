namespace Steward.Storage;

/// <summary>The limits that are set, and what follows from them: every store loads the same rows and asks the same questions.</summary>
public sealed class LimitTable
{
    private readonly Dictionary<LimitScope, Limits> _rows;

    /// <summary>Makes it of rows.</summary>
    public LimitTable(IEnumerable<KeyValuePair<LimitScope, Limits>> rows)
    {
        _rows = new(rows);
        LimitsRuns = _rows.Values.Any(l => l.RunsAtOnce is not null);
        LimitsQueue = _rows.Values.Any(l => l.Queue is not null);
        LimitsCalls = _rows.Values.Any(l => l.CallsAtOnce is not null);
    }

    /// <summary>No limits at all.</summary>
    public static LimitTable Empty { get; } = new([]);

    /// <summary>Whether anything limits runs at once.</summary>
    public bool LimitsRuns { get; }

    /// <summary>Whether anything limits a queue.</summary>
    public bool LimitsQueue { get; }

    /// <summary>Whether anything limits calls.</summary>
    public bool LimitsCalls { get; }

    /// <summary>The same with other limits for a scope; <see cref="Limits.None"/> takes them off.</summary>
    public LimitTable With(LimitScope scope, Limits limits)
    {
        Dictionary<LimitScope, Limits> rows = new(_rows);
        if (limits == Limits.None)
            rows.Remove(scope);
        else
            rows[scope] = limits;
        return new LimitTable(rows);
    }

    /// <summary>Most runs of all tenants that workers may hold.</summary>
    public int? RunsOfAll => Find(LimitScope.Global)?.RunsAtOnce;

    /// <summary>Most runs of a tenant that workers may hold.</summary>
    public int? RunsOf(string tenant) => Find(LimitScope.ForTenant(tenant))?.RunsAtOnce ?? Find(LimitScope.EachTenant)?.RunsAtOnce;

    /// <summary>Most runs of all tenants in the queue.</summary>
    public int? QueueOfAll => Find(LimitScope.Global)?.Queue;

    /// <summary>Most runs of a tenant in the queue.</summary>
    public int? QueueOf(string tenant) => Find(LimitScope.ForTenant(tenant))?.Queue ?? Find(LimitScope.EachTenant)?.Queue;

    /// <summary>Most calls of a tool in flight.</summary>
    public int? CallsOf(string tool) => Find(LimitScope.ForTool(tool))?.CallsAtOnce ?? Find(LimitScope.EachTool)?.CallsAtOnce;

    /// <summary>Whether a further run of a tenant may be started, with so
    /// many in the tenant's queue and in all. Null when it may.</summary>
    public QueueFull? CheckQueue(string tenant, int ofTenant, int ofAll)
    {
        if (QueueOf(tenant) is { } limit && ofTenant >= limit)
            return new QueueFull(LimitScope.ForTenant(tenant), limit, ofTenant);
        return QueueOfAll is { } all && ofAll >= all ? new QueueFull(LimitScope.Global, all, ofAll) : null;
    }

    /// <summary>All limits in order of their scopes, with what counts against them.</summary>
    /// <param name="tenants">For each tenant, how many of its runs are held and in the queue.</param>
    /// <param name="calls">The calls in flight.</param>
    public IReadOnlyList<LimitInfo> List(IEnumerable<(string Tenant, int Runs, int Queue)> tenants, IEnumerable<ToolSlot> calls)
    {
        ILookup<string, (string Tenant, int Runs, int Queue)> byTenant = tenants.ToLookup(t => t.Tenant, StringComparer.Ordinal);
        ILookup<string, ToolSlot> byTool = calls.ToLookup(c => c.Tool, StringComparer.Ordinal);
        return [.. _rows.OrderBy(r => r.Key.Key, StringComparer.Ordinal).Select(r => new LimitInfo(r.Key, r.Value, UsageOf(r.Key)))];

        LimitUsage UsageOf(LimitScope scope)
        {
            if (scope.IsDefault)
                return default;
            if (scope.IsTool)
                return new LimitUsage(0, 0, byTool[scope.Name!].Count());
            IEnumerable<(string Tenant, int Runs, int Queue)> counted = scope.Name is { } tenant
                ? byTenant[tenant]
                : byTenant.SelectMany(t => t);
            return new LimitUsage(counted.Sum(t => t.Runs), counted.Sum(t => t.Queue), 0);
        }
    }

    private Limits? Find(LimitScope scope) => _rows.GetValueOrDefault(scope);
}
