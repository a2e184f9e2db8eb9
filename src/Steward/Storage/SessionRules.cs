using Steward.Journal;

namespace Steward.Storage;

/// <summary>The rules of sessions, apart from any database.</summary>
public static class SessionRules
{
    /// <summary>Who cancels a run under <see cref="SessionPolicy.Interrupt"/>.</summary>
    public const string Interrupt = "session:interrupt";

    /// <summary>Who cancels a run under <see cref="SessionPolicy.Rollback"/>: it is left out of the conversation.</summary>
    public const string Rollback = "session:rollback";

    /// <summary>The cancel that a new run of the session sends to an active one.</summary>
    public static Signal CancelOf(RunId active, RunStart newer)
    {
        ArgumentNullException.ThrowIfNull(newer);
        string by = newer.SessionPolicy == SessionPolicy.Rollback ? Rollback : Interrupt;
        return new Signal(
            $"interrupted-by:{newer.Run}",
            active,
            new CancelSignal(by, $"A newer message of the session came in (run {newer.Run})."));
    }
}
