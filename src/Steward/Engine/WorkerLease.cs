using System.Collections.Concurrent;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>The leases of one worker, renewed for all of its runs at once.</summary>
/// <remarks>
/// A lease counts from the moment at which the store was asked, never from its answer: between the two the
/// process may have stood still. In the last fifth of it no effect starts. A renewal that is under way serves
/// all who want one; who came too late to be in it asks again. Its age is the greater one of two clocks': the
/// monotonic one stands still while a virtual machine is suspended, the other one may be put back.
/// </remarks>
internal sealed class WorkerLease(IRunStore store, string worker, TimeSpan duration, TimeProvider time)
{
    private readonly ConcurrentDictionary<RunSession, bool> _sessions = new();
    private readonly Lock _lock = new();
    private Task _renewal = Task.CompletedTask;
    private LeaseTime? _renewedAt;

    public LeaseTime Now => LeaseTime.Now(time);

    public void Add(RunSession session) => _sessions[session] = true;

    public void Remove(RunSession session) => _sessions.TryRemove(session, out _);

    /// <summary>Whether less than that share is gone of a lease that began then.</summary>
    public bool IsFresh(LeaseTime leasedAt, double share) => leasedAt.Age(time) < duration * share;

    /// <summary>Renews until a session's lease is fresh, or lost.</summary>
    public async ValueTask RenewAsync(RunSession wanted, double share, CancellationToken cancellationToken)
    {
        while (!IsFresh(wanted.LeasedAt, share) && wanted.Interruption != Interruption.LeaseLost)
            await Renewal().WaitAsync(cancellationToken);
    }

    /// <summary>How long a lease that began then keeps a share of its time.</summary>
    public TimeSpan Left(LeaseTime leasedAt, double share) => duration * share - leasedAt.Age(time);

    /// <summary>The worker's sign of life, when a third of the last one's time is gone. It is due without a run in hand too: it lets go of
    /// runs that the worker gave up without a word.</summary>
    public Task RenewIfDueAsync() => _renewedAt is { } at && IsFresh(at, 1.0 / 3) ? Task.CompletedTask : Renewal();

    private Task Renewal()
    {
        lock (_lock)
            return _renewal.IsCompleted ? _renewal = RenewAllAsync() : _renewal;
    }

    private async Task RenewAllAsync()
    {
        // Only these are judged by the answer: a run that is claimed meanwhile is not in it.
        RunSession[] sessions = [.. _sessions.Keys];
        LeaseTime asked = Now;
        HashSet<Lease> held = [.. await store.RenewAsync(worker, [.. sessions.Select(s => s.Lease)], duration, CancellationToken.None)];
        _renewedAt = asked;
        foreach (RunSession session in sessions)
        {
            if (held.Contains(session.Lease))
                session.LeasedAt = asked;
            else
                session.Interrupt(Interruption.LeaseLost);
        }
    }
}
