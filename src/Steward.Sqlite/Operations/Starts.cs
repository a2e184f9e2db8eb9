using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>New runs.</summary>
internal static class Starts
{
    public static StartResult Run(WriteSession session, RunStart start)
    {
        RunStarted started = start.Started;
        if (started.Key is { } key && session.Runs.FindKey(started.Tenant, key) is { } existing)
            return new StartResult(existing, Created: false);
        if (session.Runs.FindStart(start.Run) is { } before)
        {
            return before == (started.Tenant, started.Key)
                ? new StartResult(start.Run, Created: false)
                : throw new ArgumentException($"Run {start.Run} was started already, for another tenant or key; make its id with RunId.New.", nameof(start));
        }

        List<RunRow> active = ActiveBefore(session, start, started);
        if (active.Count > 0 && start.SessionPolicy == SessionPolicy.Reject)
            return new StartResult(start.Run, Created: false) { BusyWith = active[0].Run };
        if (started.Parent is null && CheckQueue(session, started.Tenant) is { } full)
            return new StartResult(start.Run, Created: false) { Full = full };
        foreach (RunRow run in start.SessionPolicy is SessionPolicy.Interrupt or SessionPolicy.Rollback ? active : [])
        {
            Signal cancel = SessionRules.CancelOf(run.Run, start);
            Inbox.Put(session, cancel, StoreJson.Write(cancel.Body));
        }

        JournalEntry last = start.Copied is [.., JournalEntry end] ? end : start.Entry;
        byte[] hash = last.Hash.ToArray();
        long id = session.Runs.Insert(start.Run, started, last.Sequence, hash, queued: active.Count > 0, session.Now);
        if (start.Definition is { } definition)
            session.Blobs.Put(Convert.FromHexString(definition.Hash), definition.Content.Span);
        if (Blob.IsHash(started.DefinitionHash))
            session.Blobs.Name(Convert.FromHexString(started.DefinitionHash));
        session.Events.Insert(id, start.Entry);
        foreach (JournalEntry entry in start.Copied)
            session.Events.Insert(id, entry);
        session.Moved.Add(WitnessRecord.Of(start.Run, last.Sequence, hash));
        SetCeilings(session, start, started);
        return new StartResult(start.Run, Created: true);
    }

    /// <summary>When a run of a session has ended, the next in its queue begins.</summary>
    public static void Advance(WriteSession session, RunRow ended)
    {
        if (ended is not { Session: { } name, Ancestors: [] })
            return;
        if (session.Runs.ActiveOf(ended.Tenant, name) is [{ Queued: true } next, ..])
            session.Runs.Unqueue(next.Id, session.Now);
    }

    private static List<RunRow> ActiveBefore(WriteSession session, RunStart start, RunStarted started) =>
        started is { Session: { } name, Parent: null } && start.SessionPolicy != SessionPolicy.Parallel ? session.Runs.ActiveOf(started.Tenant, name) : [];

    private static QueueFull? CheckQueue(WriteSession session, string tenant)
    {
        if (!session.Limits.LimitsQueue)
            return null;
        (int ofTenant, int ofAll) = session.Load.Queued(tenant, session.Now);
        return session.Limits.CheckQueue(tenant, ofTenant, ofAll);
    }

    private static void SetCeilings(WriteSession session, RunStart start, RunStarted started)
    {
        if (started.Ceilings != BudgetCeilings.None)
            session.Budgets.SetCeilings(BudgetScope.ForRun(start.Run), started.Ceilings);
        if (start.SessionCeilings is not { } ceilings || started.Session is null)
            return;
        BudgetScope scope = BudgetScope.ForSession(started.Tenant, started.Session);
        if (session.Budgets.Find(scope).Ceilings == BudgetCeilings.None)
            session.Budgets.SetCeilings(scope, ceilings);
    }
}
