using Steward.Budgets;
using Steward.Runs;
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
    public static Claim? Take(WriteSession session, ClaimRequest request)
    {
        long now = session.Now;
        RunRow? run = request.Run is { } wanted
            ? One(session, wanted, request, now)
            : session.Runs.FirstClaimable(now, row => !session.Refused.ContainsKey(row.Run) && IsWanted(session, request, row));
        if (run is null)
            return null;

        RunRow taken = run with
        {
            Epoch = run.Epoch + 1,
            Worker = request.Worker,
            Attempts = run.Attempts + 1,
            ClaimableAt = session.Due(request.Duration),
            UpdatedAt = now,
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

    public static RenewResult Renew(WriteSession session, Lease lease, TimeSpan duration)
    {
        session.ThrowIfRefused(lease.Run);
        RunRow? run = session.Runs.Find(lease.Run);
        if (run is null || run.Epoch != lease.Epoch || run.Worker != lease.Worker)
            return new RenewResult(Held: false, SignalsPending: false, Killed: null);

        session.Runs.Lease(run with { ClaimableAt = session.Due(duration) });
        return new RenewResult(Held: true, session.Signals.AnyPending(run.Id), session.SwitchOver(run));
    }

    private static RunRow? One(WriteSession session, RunId id, ClaimRequest request, long now)
    {
        session.ThrowIfRefused(id);
        return session.Runs.Find(id) is { ClaimableAt: { } at } run && at <= now && IsWanted(session, request, run) ? run : null;
    }

    private static bool IsWanted(WriteSession session, ClaimRequest request, RunRow run) =>
        (request.Agents is null || request.Agents.Contains(run.Agent))
        && (session.SwitchOver(run) is null || session.Signals.AnyPending(run.Id));
}
