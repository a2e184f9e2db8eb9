using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>The gate, inside the writer's transaction. All checks come before the first write.</summary>
internal static class Append
{
    public static AppendResult Run(WriteSession session, RunBatch batch)
    {
        session.ThrowIfRefused(batch.Lease.Run);
        RunRecord? run = session.Runs.Find(batch.Lease.Run);
        if (run is null)
            return new AppendResult.Fenced(0, 0);
        if (Gate.CheckLease(batch, run) is { } fenced)
            return fenced;
        if (batch.Entries is [JournalEntry first, ..])
            first.Verify(run.HeadHash);
        if (batch.StartsEffect && session.SwitchOver(run) is { } engaged)
            return new AppendResult.Killed(engaged);
        if (session.Budgets.Draw(batch.Budget, run, out Dictionary<BudgetScope, BudgetInfo>? drawn) is { } shortfall)
            return new AppendResult.OverBudget(shortfall);
        if (CheckSlots(session, batch, run, out IReadOnlyList<ToolSlot> slots) is { } throttled)
            return throttled;

        return Write(session, batch, run with { Slots = slots }, drawn, slotsChanged: !ReferenceEquals(slots, run.Slots));
    }

    /// <summary>Whether there is a slot for each call that a batch starts, and what its run holds after it.</summary>
    private static AppendResult.Throttled? CheckSlots(
        WriteSession session,
        RunBatch batch,
        RunRecord run,
        out IReadOnlyList<ToolSlot> after)
    {
        after = run.Slots;
        if (after.Count == 0 && !SlotRules.Started(batch).Any())
            return null;
        after = SlotRules.After(run.Slots, batch, session.Limits);
        return SlotRules.Check(
            batch,
            after,
            session.Limits,
            tool => session.Load.Slots(session.Now).Where(r => r.Run != run.Id).Sum(r => r.Slots.Count(s => s.Tool == tool)));
    }

    private static AppendResult.Committed Write(
        WriteSession session,
        RunBatch batch,
        RunRecord run,
        Dictionary<BudgetScope, BudgetInfo>? drawn,
        bool slotsChanged)
    {
        foreach (Blob blob in batch.Blobs)
            session.Blobs.Put(Convert.FromHexString(blob.Hash), blob.Content.Span);
        foreach (JournalEntry entry in batch.Entries)
            session.Events.Insert(run.Id, entry);
        Consume(session, batch, run);
        Questions.Follow(session, batch, run);
        foreach (RunStart start in batch.Starts)
            Starts.Run(session, start);
        foreach (Signal signal in batch.Sends)
            Inbox.Put(session, signal, StoreJson.Write(signal.Body));
        foreach (Feedback feedback in batch.Feedback)
            Keep(session, feedback);
        if (batch.Snapshot is { } snapshot)
            session.Snapshots.Save(run.Id, snapshot);

        bool pending = session.Signals.AnyPending(run.Id);
        RunRecord after = ReleaseRules.After(run, batch, pending, session.Time);
        session.Runs.Record(after);
        if (slotsChanged)
            session.Runs.SetSlots(run.Id, run.Slots);
        if (ReleaseRules.GivesBack(batch))
            session.Runs.Lease(after);
        if (after.Status.IsTerminal())
            Starts.Advance(session, after);
        if (batch.Entries.Count > 0)
            session.Moved.Add(WitnessRecord.Of(run.Run, after.Head, after.HeadHash.Span));

        List<BudgetAlert>? alerts = drawn is null ? null : session.Budgets.Keep(drawn);
        return pending || alerts is not null ? new AppendResult.Committed(pending, alerts ?? []) : AppendResult.Committed.Quiet;
    }

    /// <summary>Keeps feedback on a run, once per id; false when there is no such run.</summary>
    public static bool Keep(WriteSession session, Feedback feedback)
    {
        if (session.Runs.Find(feedback.Run) is not { } run)
            return false;
        session.Feedback.Insert(run.Id, feedback);
        return true;
    }

    private static void Consume(WriteSession session, RunBatch batch, RunRecord run)
    {
        long sequence = batch.ExpectedSequence + batch.Entries.Count;
        foreach (string id in batch.Consumes)
        {
            if (!session.Signals.Consume(run.Id, id, sequence))
                throw Gate.NotInInbox(run.Run, id);
        }
    }
}
