using Steward.Journal;

namespace Steward.Storage;

/// <summary>The rules of the gate, apart from any database: every store loads the same rows and asks the same questions.</summary>
public static class Gate
{
    /// <summary>The share of a ceiling at which an alert is raised.</summary>
    public const decimal AlertThreshold = 0.8m;

    private static readonly BudgetMetric[] s_metrics =
    [
        BudgetMetric.ModelCalls,
        BudgetMetric.ToolCalls,
        BudgetMetric.Tokens,
        BudgetMetric.Usd,
    ];

    /// <summary>The scopes on which a run of this kind draws, for a change counted on a day.</summary>
    public static BudgetScope[] Scopes(
        RunId run,
        string tenant,
        string? session,
        string agent,
        DateOnly day,
        IReadOnlyList<RunId>? ancestors = null) =>
    [
        BudgetScope.ForRun(run),
        .. (ancestors ?? []).Select(BudgetScope.ForRun),
        .. session is null ? Array.Empty<BudgetScope>() : [BudgetScope.ForSession(tenant, session)],
        BudgetScope.ForTenant(tenant),
        BudgetScope.ForAgentDay(agent, day),
        BudgetScope.Global,
    ];

    /// <summary>Checks what a lease and a sequence must be. Null when they are.</summary>
    public static AppendResult.Fenced? CheckLease(RunBatch batch, RunRecord run)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(run);
        return run.Epoch == batch.Lease.Epoch && run.Worker == batch.Lease.Worker && run.Head == batch.ExpectedSequence
            ? null
            : new AppendResult.Fenced(run.Epoch, run.Head);
    }

    /// <summary>The error of a batch that applies a signal which is not in the inbox of its run.</summary>
    public static ArgumentException NotInInbox(RunId run, string signal) =>
        new($"Signal '{signal}' is not in the inbox of run {run}: it never came, or was applied before.");

    /// <summary>Checks a batch before and apart from any state: its sizes,
    /// and that its entries, blobs and children hold together.</summary>
    /// <exception cref="ArgumentException">The batch contradicts itself: a defect of the runtime, never of its user.</exception>
    /// <exception cref="JournalException">An entry does not continue the chain of the one before.</exception>
    /// <exception cref="StoreException">Something in it is larger than the limits allow.</exception>
    public static void CheckShape(RunBatch batch, StoreLimits limits)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(limits);
        limits.Check(batch);
        for (int i = 0; i < batch.Entries.Count; i++)
        {
            JournalEntry entry = batch.Entries[i];
            long due = batch.ExpectedSequence + i + 1;
            if (entry.Run != batch.Lease.Run || entry.Sequence != due)
                throw new ArgumentException(
                    $"Entry {entry.Sequence} of run {entry.Run} does not follow sequence {due - 1} of run {batch.Lease.Run}.",
                    nameof(batch));
            if (i > 0)
                entry.Verify(batch.Entries[i - 1].Hash);
        }

        foreach (Blob blob in batch.Blobs)
            CheckShape(blob, limits);
        foreach (RunStart start in batch.Starts)
            CheckShape(start, limits);
    }

    /// <summary>Checks the beginning of a run before and apart from any state.</summary>
    /// <exception cref="ArgumentException">It contradicts itself: a defect of the runtime, never of its user.</exception>
    /// <exception cref="JournalException">An entry does not continue the chain of the one before.</exception>
    /// <exception cref="StoreException">An entry is larger than the limits allow.</exception>
    public static void CheckShape(RunStart start, StoreLimits limits)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(limits);
        if (start.Entry.Run != start.Run || start.Entry.Sequence != 1 || start.Entry.Event is not RunStarted)
            throw new ArgumentException(
                $"The first entry of run {start.Run} must be its 'run.started' at sequence 1; it is '{start.Entry.Type}' at sequence {start.Entry.Sequence} of run {start.Entry.Run}.",
                nameof(start));
        limits.Check(start.Entry);
        Labels.Check(start.Started.Labels);
        if (start.Definition is { } definition)
            CheckShape(definition, limits);
        start.Entry.Verify(JournalEntry.Origin);
        JournalEntry before = start.Entry;
        foreach (JournalEntry entry in start.Copied)
        {
            if (entry.Run != start.Run || entry.Sequence != before.Sequence + 1)
                throw new ArgumentException(
                    $"Copied entry {entry.Sequence} of run {entry.Run} does not follow sequence {before.Sequence} of run {start.Run}.",
                    nameof(start));
            limits.Check(entry);
            entry.Verify(before.Hash);
            before = entry;
        }
    }

    /// <summary>Checks that a blob is as large as it may be, and has the hash that it is kept under.</summary>
    /// <exception cref="ArgumentException">Its content has another hash.</exception>
    /// <exception cref="StoreException">It is larger than the limits allow.</exception>
    public static void CheckShape(Blob blob, StoreLimits limits)
    {
        ArgumentNullException.ThrowIfNull(blob);
        ArgumentNullException.ThrowIfNull(limits);
        limits.Check(blob);
        if (Blob.Of(blob.Content).Hash != blob.Hash)
            throw new ArgumentException($"The content of blob '{blob.Hash}' does not have that SHA-256.", nameof(blob));
    }

    /// <summary>Whether a change fits under the ceilings of a scope. Null when it does.</summary>
    public static BudgetShortfall? CheckBudget(BudgetInfo budget, in BudgetChange change)
    {
        ArgumentNullException.ThrowIfNull(budget);
        foreach (BudgetMetric metric in s_metrics)
        {
            decimal asked = change.Reserve.Of(metric);
            if (asked == 0 || budget.Ceilings.Of(metric) is not { } ceiling)
                continue;
            decimal spent = budget.Spent.Of(metric) + change.Spend.Of(metric);
            decimal reserved = budget.Reserved.Of(metric) - change.Release.Of(metric);
            if (spent + reserved + asked > ceiling)
                return new BudgetShortfall(budget.Scope, metric, ceiling, spent, reserved, asked);
        }

        return null;
    }

    /// <summary>A budget after a change.</summary>
    public static BudgetInfo Apply(BudgetInfo budget, in BudgetChange change)
    {
        ArgumentNullException.ThrowIfNull(budget);
        return budget with { Spent = budget.Spent + change.Spend, Reserved = budget.Reserved - change.Release + change.Reserve };
    }

    /// <summary>The soft thresholds that a change crossed.</summary>
    public static void CollectAlerts(BudgetInfo before, BudgetInfo after, ref List<BudgetAlert>? alerts)
    {
        ArgumentNullException.ThrowIfNull(before);
        ArgumentNullException.ThrowIfNull(after);
        foreach (BudgetMetric metric in s_metrics)
        {
            if (after.Ceilings.Of(metric) is not { } ceiling || ceiling <= 0)
                continue;
            decimal threshold = ceiling * AlertThreshold;
            decimal used = after.Spent.Of(metric);
            if (used >= threshold && before.Spent.Of(metric) < threshold)
                (alerts ??= []).Add(new BudgetAlert(after.Scope, metric, AlertThreshold, used, ceiling));
        }
    }

    /// <summary>The switch that stands over a run, if any.</summary>
    public static KillSwitch? FindSwitch(IReadOnlyCollection<KillSwitch> engaged, RunRecord run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return FindSwitch(engaged, run.Run, run.Tenant, run.Agent, run.Ancestors);
    }

    /// <summary>The switch that stands over a run, if any.</summary>
    public static KillSwitch? FindSwitch(
        IReadOnlyCollection<KillSwitch> engaged,
        RunId run,
        string tenant,
        string agent,
        IReadOnlyList<RunId>? ancestors = null)
    {
        ArgumentNullException.ThrowIfNull(engaged);
        foreach (KillSwitch killSwitch in engaged)
        {
            if (killSwitch.Covers(run, tenant, agent, ancestors))
                return killSwitch;
        }

        return null;
    }
}
