using Steward.Budgets;
using Steward.Runs;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>New runs.</summary>
internal static class Starts
{
    public static void Check(RunStart start, StoreLimits limits)
    {
        if (start.Entry.Run != start.Run || start.Entry.Sequence != 1 || start.Entry.Event is not RunStarted)
            throw new ArgumentException($"The first entry of run {start.Run} must be its 'run.started' at sequence 1; it is '{start.Entry.Type}' at sequence {start.Entry.Sequence} of run {start.Entry.Run}.", nameof(start));
        limits.Check(start.Entry);
        start.Entry.Verify(JournalEntry.Origin);
    }

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

        byte[] hash = start.Entry.Hash.ToArray();
        long id = session.Runs.Insert(start.Run, started, hash, session.Now);
        session.Events.Insert(id, start.Entry);
        session.Moved.Add(WitnessRecord.Of(start.Run, 1, hash));
        SetCeilings(session, start, started);
        return new StartResult(start.Run, Created: true);
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
