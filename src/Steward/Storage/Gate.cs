using Steward.Budgets;
using Steward.Runs;

namespace Steward.Storage;

/// <summary>The rules of the gate, apart from any database: every store loads the same rows and asks the same questions.</summary>
public static class Gate
{
    /// <summary>The share of a ceiling at which an alert is raised.</summary>
    public const decimal AlertThreshold = 0.8m;

    private static readonly BudgetMetric[] s_metrics = [BudgetMetric.ModelCalls, BudgetMetric.ToolCalls, BudgetMetric.Tokens, BudgetMetric.Usd];

    /// <summary>The scopes on which a run of this kind draws, for a change counted on a day.</summary>
    public static BudgetScope[] Scopes(RunId run, string tenant, string? session, string agent, DateOnly day, IReadOnlyList<RunId>? ancestors = null) =>
    [
        BudgetScope.ForRun(run),
        .. (ancestors ?? []).Select(BudgetScope.ForRun),
        .. session is null ? Array.Empty<BudgetScope>() : [BudgetScope.ForSession(tenant, session)],
        BudgetScope.ForTenant(tenant),
        BudgetScope.ForAgentDay(agent, day),
        BudgetScope.Global,
    ];

    /// <summary>Checks what a lease and a sequence must be. Null when they are.</summary>
    public static AppendResult? CheckLease(RunBatch batch, long epoch, string? worker, long sequence)
    {
        ArgumentNullException.ThrowIfNull(batch);
        return epoch == batch.Lease.Epoch && worker == batch.Lease.Worker && sequence == batch.ExpectedSequence
            ? null
            : new AppendResult.Fenced(epoch, sequence);
    }

    /// <summary>Checks the shape of a batch, before and apart from any state.</summary>
    /// <exception cref="ArgumentException">The batch contradicts itself: a defect of the runtime, never of its user.</exception>
    public static void CheckShape(RunBatch batch)
    {
        ArgumentNullException.ThrowIfNull(batch);
        long sequence = batch.ExpectedSequence;
        foreach (JournalEntry entry in batch.Entries)
        {
            if (entry.Run != batch.Lease.Run || entry.Sequence != ++sequence)
                throw new ArgumentException($"Entry {entry.Sequence} of run {entry.Run} does not follow sequence {sequence - 1} of run {batch.Lease.Run}.", nameof(batch));
        }
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
    public static KillSwitch? FindSwitch(IReadOnlyCollection<KillSwitch> engaged, RunId run, string tenant, string agent, IReadOnlyList<RunId>? ancestors = null)
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
