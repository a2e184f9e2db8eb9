using Npgsql;
using Steward.Budgets;
using Steward.Postgres.Data;
using Steward.Postgres.Tables;
using Steward.Runs;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>The gate: appends of different runs in one transaction, each with an answer of its own.</summary>
/// <remarks>
/// Locks are taken in one order everywhere: the control lock (shared), sessions, runs by number, limited tools by name, budgets by scope. What is left
/// over (two runs that send to each other) PostgreSQL finds as a deadlock, and the transaction is made again.
/// Three trips to the server: lock and load; the budgets, if any are drawn on; everything that is written. More only for limited tools. All checks come before the first write.
/// </remarks>
internal sealed class Append(Tx tx, IReadOnlyList<RunBatch> group, int inlinePayload)
{
    private readonly Dictionary<RunId, RunRow> _runs = [];
    private readonly HashSet<(long Run, string Signal)> _pending = [];
    private readonly BudgetBook _budgets = new();
    private readonly SlotBook _slots = new();
    private readonly List<Accepted> _accepted = [];
    private List<KillSwitch> _switches = [];
    private LimitTable _limits = LimitTable.Empty;
    private DateTimeOffset _now;

    /// <returns>For each batch its <see cref="AppendResult"/>, or the exception with which it alone is refused.</returns>
    public async Task<object[]> RunAsync()
    {
        await LoadAsync();
        await _slots.LoadAsync(tx, _limits, group);
        await _budgets.LoadAsync(tx, group.Where(Holds).Select(batch => (batch, _runs[batch.Lease.Run])));
        object[] answers = [.. group.Select(Decide)];
        if (_accepted.Count == 0)
            return answers;
        await WriteAsync();
        foreach (Accepted accepted in _accepted)
            await FollowAsync(accepted);
        return answers;
    }

    private async Task LoadAsync()
    {
        Guid[] appending = [.. group.Select(b => b.Lease.Run.Value)];
        Guid[] ending = [.. group.Where(b => b.Status.IsTerminal()).Select(b => b.Lease.Run.Value)];
        await using NpgsqlBatch batch = tx.Batch();
        if (group.Any(b => b.StartsEffect))
            Switches.Share(tx, batch);
        if (ending.Length > 0)
            Starts.LockSessions(tx, batch, ending);
        Guid[] locked = [.. appending, .. group.SelectMany(b => b.Sends).Select(s => s.Run.Value)];
        tx.Add(batch, $"SELECT {RunRow.Columns} FROM steward.run r WHERE r.uuid = ANY($1) ORDER BY r.id FOR UPDATE", (object)locked);
        tx.Add(batch, "SELECT s.run, s.signal_id FROM steward.signal s JOIN steward.run r ON r.id = s.run WHERE r.uuid = ANY($1) AND s.consumed IS NULL", (object)appending);
        tx.Add(batch, Switches.All);
        tx.Add(batch, Concurrency.All);
        tx.Add(batch, "SELECT steward.now()");

        await using NpgsqlDataReader reader = await batch.ExecuteReaderAsync(tx.CancellationToken);
        for (int locks = batch.BatchCommands.Count - 5; locks > 0; locks--)
            await reader.NextResultAsync(tx.CancellationToken);
        foreach (RunRow run in await tx.ReadAllAsync(reader, RunRow.Read))
            _runs[run.Run] = run;
        await reader.NextResultAsync(tx.CancellationToken);
        _pending.UnionWith(await tx.ReadAllAsync(reader, static r => (r.GetInt64(0), r.GetString(1))));
        await reader.NextResultAsync(tx.CancellationToken);
        _switches = await tx.ReadAllAsync(reader, Switches.Read);
        await reader.NextResultAsync(tx.CancellationToken);
        _limits = new LimitTable(await tx.ReadAllAsync(reader, Concurrency.Read));
        await reader.NextResultAsync(tx.CancellationToken);
        _now = (await tx.ReadAllAsync(reader, static r => r.Time(0)))[0];
    }

    private bool Holds(RunBatch batch) =>
        _runs.TryGetValue(batch.Lease.Run, out RunRow? run) && Gate.CheckLease(batch, run.Epoch, run.Worker, run.Head) is null;

    private object Decide(RunBatch batch)
    {
        try
        {
            return DecideOne(batch);
        }
        catch (Exception e) when (e is JournalException or ArgumentException)
        {
            return e;
        }
    }

    private AppendResult DecideOne(RunBatch batch)
    {
        if (!_runs.TryGetValue(batch.Lease.Run, out RunRow? run))
            return new AppendResult.Fenced(0, 0);
        if (Gate.CheckLease(batch, run.Epoch, run.Worker, run.Head) is { } fenced)
            return fenced;
        if (batch.Entries is [JournalEntry first, ..])
            first.Verify(run.HeadHash);
        if (batch.StartsEffect && Gate.FindSwitch(_switches, run.Run, run.Tenant, run.Agent, run.Ancestors) is { } engaged)
            return new AppendResult.Killed(engaged);
        if (_budgets.Draw(batch.Budget, run, out Dictionary<BudgetScope, BudgetInfo>? drawn) is { } shortfall)
            return new AppendResult.OverBudget(shortfall);
        if (_slots.Check(batch, run, out IReadOnlyList<ToolSlot> slots) is { } throttled)
            return throttled;
        Consume(batch, run);

        List<BudgetAlert>? alerts = drawn is null ? null : _budgets.Keep(drawn);
        bool pending = _pending.Any(s => s.Run == run.Id);
        RunRow after = After(batch, run with { Slots = slots }, pending);
        _slots.Keep(after);
        _accepted.Add(new Accepted(batch, after));
        return pending || alerts is not null ? new AppendResult.Committed(pending, alerts ?? []) : AppendResult.Committed.Quiet;
    }

    private void Consume(RunBatch batch, RunRow run)
    {
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (string id in batch.Consumes)
        {
            if (!seen.Add(id) || !_pending.Contains((run.Id, id)))
                throw new ArgumentException($"Signal '{id}' is not in the inbox of run {run.Run}, or was applied before.", nameof(batch));
        }

        foreach (string id in seen)
            _pending.Remove((run.Id, id));
    }

    private RunRow After(RunBatch batch, RunRow run, bool pending)
    {
        RunRow after = run with
        {
            Version = batch.Entries.LastOrDefault(e => e.Event is RunMigrated) is { Event: RunMigrated moved } ? moved.AgentVersion : run.Version,
            Status = batch.Status,
            Reason = batch.Reason,
            Attempts = batch.Progress ? 0 : run.Attempts,
            Head = batch.ExpectedSequence + batch.Entries.Count,
            HeadHash = batch.Entries is [.., JournalEntry last] ? last.Hash.ToArray() : run.HeadHash,
            UpdatedAt = _now,
        };
        if (batch.Release is null && !batch.Status.IsTerminal())
            return after;
        return after with
        {
            Worker = null,
            Attempts = 0,
            ClaimableAt = batch.Status.IsTerminal() ? null : pending && batch.Release?.LeavesSignals != true ? _now : batch.Release?.WakeAt?.Due(),
        };
    }

    private async Task WriteAsync()
    {
        await using NpgsqlBatch batch = tx.Batch();
        EventRows.Insert(
            tx,
            batch,
            [.. _accepted.SelectMany(a => a.Batch.Entries.Select(entry => (a.Run.Id, entry)))],
            _accepted.SelectMany(a => a.Batch.Blobs),
            inlinePayload);
        MarkConsumed(batch);
        Record(batch);
        foreach ((RunBatch from, RunRow run) in _accepted)
        {
            if (from.Snapshot is { } snapshot)
            {
                tx.Add(
                    batch,
                    "INSERT INTO steward.snapshot (run, seq, version, data) VALUES ($1, $2, $3, $4) ON CONFLICT (run) DO UPDATE SET seq = $2, version = $3, data = $4",
                    run.Id, snapshot.Sequence, snapshot.Version, snapshot.Data.ToArray());
            }
        }

        _budgets.Save(tx, batch);
        await batch.ExecuteNonQueryAsync(tx.CancellationToken);
    }

    private void Record(NpgsqlBatch batch)
    {
        tx.Add(
            batch,
            """
            UPDATE steward.run r SET status = u.status, reason = u.reason, attempts = u.attempts, head = u.head, head_hash = u.head_hash,
                worker = u.worker, claimable_at = u.claimable_at, version = u.version, slots = u.slots, updated_at = $9
            FROM unnest($1::bigint[], $2::text[], $3::text[], $4::integer[], $5::bigint[], $6::bytea[], $7::text[], $8::timestamptz[], $10::text[], $11::text[])
                AS u (id, status, reason, attempts, head, head_hash, worker, claimable_at, version, slots)
            WHERE r.id = u.id
            """,
            Of(r => r.Id), Of(r => r.Status.Name()), Of(r => r.Reason), Of(r => r.Attempts), Of(r => r.Head), Of(r => r.HeadHash),
            Of(r => r.Worker), Of(r => r.ClaimableAt?.UtcDateTime), _now, Of(r => r.Version), Of(r => SlotRules.Write(r.Slots)));

        T[] Of<T>(Func<RunRow, T> column) => [.. _accepted.Select(a => column(a.Run))];
    }

    private void MarkConsumed(NpgsqlBatch batch)
    {
        List<(long Run, string Signal, long Sequence)> consumed =
            [.. _accepted.SelectMany(a => a.Batch.Consumes.Select(id => (a.Run.Id, id, a.Run.Head)))];
        if (consumed.Count == 0)
            return;
        tx.Add(
            batch,
            "UPDATE steward.signal s SET consumed = u.seq FROM unnest($1::bigint[], $2::text[], $3::bigint[]) AS u (run, id, seq) WHERE s.run = u.run AND s.signal_id = u.id",
            consumed.Select(c => c.Run).ToArray(), consumed.Select(c => c.Signal).ToArray(), consumed.Select(c => c.Sequence).ToArray());
    }

    /// <summary>What few appends bring along: questions, children, messages to other runs, the end of a run in a session.</summary>
    private async Task FollowAsync(Accepted accepted)
    {
        (RunBatch batch, RunRow run) = accepted;
        await Questions.FollowAsync(tx, batch, run, _now);
        foreach (RunStart start in batch.Starts)
            await Starts.RunAsync(tx, start, inlinePayload);
        foreach (Signal signal in batch.Sends)
            await Inbox.PutAsync(tx, signal);
        foreach (Feedback feedback in batch.Feedback)
            await KeepAsync(tx, feedback);
        if (batch.Status.IsTerminal())
            await Starts.AdvanceAsync(tx, run);
    }

    /// <summary>Keeps feedback once per id; false when there is no such run.</summary>
    public static async Task<bool> KeepAsync(Tx tx, Feedback feedback)
    {
        long id = await tx.FirstAsync("SELECT id FROM steward.run WHERE uuid = $1 FOR KEY SHARE", static r => r.GetInt64(0), feedback.Run.Value);
        if (id > 0)
            await tx.ExecuteAsync("INSERT INTO steward.feedback (run, feedback_id, body) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING", id, feedback.Id, StoreJson.Write(feedback));
        return id > 0;
    }

    private readonly record struct Accepted(RunBatch Batch, RunRow Run);
}
