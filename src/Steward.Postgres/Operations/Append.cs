using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>The gate: appends of different runs in one transaction, each with an answer of its own.</summary>
/// <remarks>
/// Decides, and writes what it has let through. Where the rows come from on which it decides is its callers' matter:
/// <see cref="AppendLocked"/> loads them under locks, and <see cref="AppendAtOnce"/> goes by what the node knows. In both cases the
/// statements carry the lease, the sequence and the room in budgets that the decision assumed. They refuse the transaction where these no
/// longer hold.
/// </remarks>
/// <param name="control">What operators have set.</param>
/// <param name="budgets">The group's budgets.</param>
/// <param name="slots">The calls in flight of limited tools.</param>
/// <param name="inbox">The signals that can be applied, by run; null when the database will say so.</param>
/// <param name="inlinePayload">Payloads above this size, in bytes, become blobs.</param>
internal sealed class Append(
    Control control,
    BudgetDraws budgets,
    SlotBook slots,
    HashSet<(long Run, string Signal)>? inbox,
    int inlinePayload)
{
    private readonly List<Accepted> _accepted = [];
    private readonly HashSet<long> _pending = [];
    private Dictionary<int, List<BudgetAlert>> _alerts = [];

    /// <summary>What was let through.</summary>
    public IReadOnlyList<Accepted> All => _accepted;

    /// <summary>Decides on a batch; what is let through will be written.</summary>
    /// <returns>The refusal, or null.</returns>
    /// <exception cref="JournalException">Its entries do not continue the chain.</exception>
    /// <exception cref="ArgumentException">It applies a signal that is not there.</exception>
    public AppendResult? Decide(int place, RunBatch batch, RunRecord run)
    {
        if (Gate.CheckLease(batch, run) is { } fenced)
            return fenced;
        if (batch.Entries is [JournalEntry first, ..])
            first.Verify(run.HeadHash);
        if (batch.StartsEffect && Gate.FindSwitch(control.Switches, run) is { } engaged)
            return new AppendResult.Killed(engaged);
        if (budgets.Draw(batch.Budget, run, out List<(BudgetScope, BudgetChange)>? drawn) is { } shortfall)
            return new AppendResult.OverBudget(shortfall);
        if (slots.Check(batch, run, out IReadOnlyList<ToolSlot> held) is { } throttled)
            return throttled;
        Consume(batch, run);

        if (drawn is not null)
            budgets.Keep(place, drawn);
        // The database says what is pending, and what time it is.
        RunRecord after = ReleaseRules.After(run with { Slots = held }, batch, pending: false, run.UpdatedAt);
        slots.Keep(after);
        _accepted.Add(new Accepted(place, batch, after));
        return null;
    }

    /// <summary>Adds all that is to be written. Its last statement asks who has something in the inbox.</summary>
    public void AddTo(RoundTrip trip)
    {
        Record(trip);
        EventRows.Insert(
            trip,
            [.. _accepted.SelectMany(a => a.Batch.Entries.Select(entry => (a.Run.Id, entry)))],
            _accepted.SelectMany(a => a.Batch.Blobs),
            inlinePayload);
        MarkConsumed(trip);
        foreach ((_, RunBatch from, RunRecord run) in _accepted)
        {
            if (from.Snapshot is { } snapshot)
            {
                trip.Do(
                    "INSERT INTO steward.snapshot (run, seq, version, data) VALUES ($1, $2, $3, $4) ON CONFLICT (run) DO UPDATE SET seq = $2, version = $3, data = $4",
                    run.Id, snapshot.Sequence, snapshot.Version, snapshot.Data.ToArray());
            }
        }

        budgets.AddTo(trip);
        Wake(trip);
        _pending.Clear();
        trip.Ask(
            "SELECT s.run FROM steward.signal s WHERE s.run = ANY($1) AND s.consumed IS NULL",
            r => _pending.Add(r.GetInt64(0)),
            (object)Of(r => r.Id));
    }

    /// <summary>What is said to those who were let through, once everything is written.</summary>
    public IEnumerable<(Accepted Append, AppendResult Answer)> Answers()
    {
        _alerts = budgets.Alerts();
        return _accepted.Select(a => (a, (AppendResult)AnswerOf(a)));
    }

    private AppendResult.Committed AnswerOf(Accepted accepted)
    {
        bool pending = _pending.Contains(accepted.Run.Id);
        return _alerts.TryGetValue(accepted.Place, out List<BudgetAlert>? alerts) || pending
            ? new AppendResult.Committed(pending, alerts ?? [])
            : AppendResult.Committed.Quiet;
    }

    private void Consume(RunBatch batch, RunRecord run)
    {
        if (inbox is null)
            return;
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string id in batch.Consumes)
        {
            if (!seen.Add(id) || !inbox.Contains((run.Id, id)))
                throw Gate.NotInInbox(run.Run, id);
        }

        foreach (string id in seen)
            inbox.Remove((run.Id, id));
    }

    /// <summary>The rows, each if its lease and its sequence are still those on which was decided.</summary>
    private void Record(RoundTrip trip) => trip.Ask(
        """
        WITH changed AS (
            UPDATE steward.run r SET status = u.status, reason = u.reason, attempts = u.attempts, head = u.head, head_hash = u.head_hash,
                worker = u.worker, claimable_at = u.claimable_at, version = u.version, slots = u.slots, doubted = false, updated_at = steward.now()
            FROM unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bytea[], $7::text[], $8::timestamptz[], $9::text[], $10::text[], $11::bigint[], $12::text[], $13::bigint[])
                AS u (id, status, reason, attempts, head, head_hash, worker, claimable_at, version, slots, epoch, held_by, before)
            WHERE r.id = u.id AND r.epoch = u.epoch AND r.worker = u.held_by AND r.head = u.before
            RETURNING 1)
        SELECT CASE WHEN (SELECT count(*) FROM changed) = $14 THEN true ELSE steward.refuse('the leases and sequences hold') END
        """,
        null,
        Of(r => r.Id), Of(r => r.Status.Name()), Of(r => r.Reason), Of(r => r.Attempts), Of(r => r.Head),
        Of(r => EventRows.Bytes(r.HeadHash)), Of(r => r.Worker), Of(r => r.ClaimableAt?.Due().UtcDateTime),
        Of(r => r.AgentVersion), Of(r => SlotRules.Write(r.Slots)), Each(a => a.Batch.Lease.Epoch), Each(a => a.Batch.Lease.Worker),
        Each(a => a.Batch.ExpectedSequence), (long)_accepted.Count);

    private void MarkConsumed(RoundTrip trip)
    {
        List<(long Run, string Signal, long Sequence)> consumed =
            [.. _accepted.SelectMany(a => a.Batch.Consumes.Select(id => (a.Run.Id, id, a.Run.Head)))];
        if (consumed.Count == 0)
            return;
        trip.Ask(
            """
            WITH changed AS (
                UPDATE steward.signal s SET consumed = u.seq FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS u (run, id, seq)
                WHERE s.run = u.run AND s.signal_id = u.id AND s.consumed IS NULL
                RETURNING 1)
            SELECT CASE WHEN (SELECT count(*) FROM changed) = $4 THEN true ELSE steward.refuse('the signals are in the inbox') END
            """,
            null,
            consumed.Select(c => c.Run).ToArray(), consumed.Select(c => c.Signal).ToArray(), consumed.Select(c =>
                c.Sequence).ToArray(), (long)consumed.Count);
    }

    /// <summary>A run released with unread signals stays claimable. This runs after the row locks are taken, so later signals see the
    /// released row.</summary>
    private void Wake(RoundTrip trip)
    {
        long[] released = [.. _accepted.Where(a => ReleaseRules.WakesForSignals(a.Batch)).Select(a => a.Run.Id)];
        if (released.Length > 0)
            trip.Do(
                "UPDATE steward.run r SET claimable_at = steward.now() WHERE r.id = ANY($1) AND EXISTS (SELECT 1 FROM steward.signal s WHERE s.run = r.id AND s.consumed IS NULL)",
                (object)released);
    }

    private T[] Of<T>(Func<RunRecord, T> column) => Each(a => column(a.Run));

    private T[] Each<T>(Func<Accepted, T> value)
    {
        var values = new T[_accepted.Count];
        for (int i = 0; i < values.Length; i++)
            values[i] = value(_accepted[i]);
        return values;
    }
}

/// <summary>An append that the gate lets through.</summary>
/// <param name="Place">Its place in the group.</param>
/// <param name="Batch">The batch.</param>
/// <param name="Run">The run's row after it.</param>
internal readonly record struct Accepted(int Place, RunBatch Batch, RunRecord Run);
