using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>Leases: taking and prolonging them.</summary>
/// <remarks>
/// A run is claimable when its <c>claimable_at</c> has come. A claim moves that to the end of the lease, so an expired
/// lease makes the run claimable without anybody having to notice. Expiry alone fences nobody: only the next claim does.
/// </remarks>
internal static class Claims
{
    public static IReadOnlyList<Claim> Take(WriteSession session, ClaimRequest request)
    {
        long now = session.Now;
        List<RunRecord> runs = request.Run is { } wanted ? One(session, wanted, request, now) : Next(session, request, now);
        return [.. runs.Select(run => Take(session, request, run, now))];
    }

    public static IReadOnlyList<Lease> Renew(WriteSession session, string worker, IReadOnlyCollection<Lease> leases, TimeSpan duration)
    {
        List<Lease> held = [];
        foreach (Lease lease in leases)
        {
            if (session.Refused.ContainsKey(lease.Run)
                || session.Runs.Find(lease.Run) is not { } run
                || run.Epoch != lease.Epoch
                || run.Worker != worker
                || lease.Worker != worker)
                continue;
            session.Runs.Lease(run with { ClaimableAt = session.Due(duration) });
            held.Add(lease);
        }

        return held;
    }

    private static Claim Take(WriteSession session, ClaimRequest request, RunRecord run, long now)
    {
        RunRecord taken = run with
        {
            Epoch = run.Epoch + 1,
            Worker = request.Worker,
            Attempts = run.Attempts + 1,
            ClaimableAt = session.Due(request.Duration),
            UpdatedAt = Instant.Read(now),
        };
        session.Runs.Lease(taken);
        BudgetInfo budget = session.Budgets.Find(BudgetScope.ForRun(taken.Run));
        return new Claim
        {
            Lease = new Lease(taken.Run, taken.Epoch, request.Worker),
            Info = taken.ToInfo(budget.Spent, budget.Reserved),
            Attempt = taken.Attempts,
            Snapshot = session.Snapshots.Find(taken.Id),
        };
    }

    private static List<RunRecord> One(WriteSession session, RunId id, ClaimRequest request, long now)
    {
        session.ThrowIfRefused(id);
        return session.Runs.Find(id) is { ClaimableAt: { } at } run && at <= Instant.Read(now) && IsWanted(session, request, run, now)
            ? Admit(session, [run], now, 1)
            : [];
    }

    /// <summary>The longest due; when they are more than a window holds, also the first of tenants that are not among them.</summary>
    private static List<RunRecord> Next(WriteSession session, ClaimRequest request, long now)
    {
        List<RunRecord> due = session.Runs.Due(now, Math.Max(FairShare.Window, request.Max), IsTakeable);
        if (due.Count >= FairShare.Window)
        {
            HashSet<string> seen = [.. due.Select(run => run.Tenant)];
            string? tenant = session.LastTenant;
            for (int looked = 0; looked < FairShare.Tenants; looked++)
            {
                tenant = session.Runs.TenantAfter(tenant);
                if (tenant is not null && seen.Add(tenant))
                    due.AddRange(session.Runs.DueOf(tenant, now, request.Max, IsTakeable));
            }

            session.LastTenant = tenant;
        }

        return due.Count == 0 ? [] : Admit(session, due, now, request.Max);

        bool IsTakeable(RunRecord run) => !session.Refused.ContainsKey(run.Run) && IsWanted(session, request, run, now);
    }

    /// <summary>Those of the runs that are due, in their turns, for which the limits leave room.</summary>
    private static List<RunRecord> Admit(WriteSession session, List<RunRecord> due, long now, int max)
    {
        if (session.Limits.RunsOfAll is { } all)
            max = Math.Min(max, all - session.Runs.Leased(now));
        return FairShare.Pick(due, run => run.Tenant, tenant => session.Runs.LeasedOf(tenant, now), max, session.Limits.RunsOf);
    }

    private static bool IsWanted(WriteSession session, ClaimRequest request, RunRecord run, long now) =>
        request.IsFor(run.Agent, run.AgentVersion, run.ClaimableAt!.Value, Instant.Read(now))
        && (session.SwitchOver(run) is null || session.Signals.AnyPending(run.Id));
}
