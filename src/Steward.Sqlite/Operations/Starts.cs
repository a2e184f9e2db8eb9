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
        if (session.Runs.FindStart(start.Run) is { } there)
            return StartRules.Again(start, there.Tenant, there.Key);
        List<RunRecord> active = StartRules.HeedsOthers(start) ? session.Runs.ActiveOf(started.Tenant, started.Session!) : [];
        if (StartRules.Refuse(start, active) is { } busy)
            return busy;
        if (StartRules.IsCounted(start) && CheckQueue(session, started.Tenant) is { } full)
            return new StartResult(start.Run, Created: false) { Full = full };
        foreach (Signal cancel in StartRules.Cancels(start, active))
            Inbox.Put(session, cancel, StoreJson.Write(cancel.Body));

        JournalEntry last = start.Last;
        long id = session.Runs.Insert(start.Run, started, last.Sequence, last.Hash.Span, queued: active.Count > 0, session.Now);
        if (start.Definition is { } definition)
            session.Blobs.Put(Convert.FromHexString(definition.Hash), definition.Content.Span);
        if (Blob.IsHash(started.DefinitionHash))
            session.Blobs.Name(Convert.FromHexString(started.DefinitionHash));
        session.Events.Insert(id, start.Entry);
        foreach (JournalEntry entry in start.Copied)
            session.Events.Insert(id, entry);
        session.Moved.Add(WitnessRecord.Of(start.Run, last.Sequence, last.Hash.Span));
        SetCeilings(session, start, started);
        return new StartResult(start.Run, Created: true);
    }

    /// <summary>When a run of a session has ended, the next in its queue begins.</summary>
    public static void Advance(WriteSession session, RunRecord ended)
    {
        if (StartRules.IsOfSession(ended) && StartRules.Next(session.Runs.ActiveOf(ended.Tenant, ended.Session!)) is { } next)
            session.Runs.Unqueue(next.Id, session.Now);
    }

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
