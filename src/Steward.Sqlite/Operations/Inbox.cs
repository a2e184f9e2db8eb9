using Steward.Journal;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>What comes in from outside.</summary>
internal static class Inbox
{
    public static SignalResult Put(WriteSession session, Signal signal, byte[] body)
    {
        RunRecord? run = session.Runs.Find(signal.Run);
        if (run is null)
            return SignalResult.UnknownRun;
        if (session.Signals.Exists(run.Id, signal.Id))
            return SignalResult.Duplicate;
        if (run.Status.IsTerminal())
            return SignalResult.RunEnded;

        long now = session.Now;
        session.Signals.Insert(run.Id, signal.Id, body, now);
        if (ReleaseRules.Wakes(run, signal) && !(run.ClaimableAt <= Instant.Read(now)))
            session.Runs.SetDue(run.Id, now);
        return SignalResult.Accepted;
    }
}
