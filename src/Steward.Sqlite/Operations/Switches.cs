using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>Kill switches: the one writer orders them among the appends, so nothing under a switch starts after its commit.</summary>
internal static class Switches
{
    public static bool Engage(WriteSession session, KillSwitch killSwitch) => session.ChangeSwitches().Engage(killSwitch);

    public static bool Release(WriteSession session, string scope)
    {
        KillSwitch? released = session.Switches.FirstOrDefault(s => s.Scope == scope);
        if (released is null)
            return false;
        session.ChangeSwitches().Release(scope);

        long now = session.Now;
        foreach (RunRecord run in session.Runs.Parked())
        {
            if (ReleaseRules.Wakes(run, released))
                session.Runs.SetDue(run.Id, now);
        }

        return true;
    }
}
