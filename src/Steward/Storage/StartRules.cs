using Steward.Journal;

namespace Steward.Storage;

/// <summary>
/// The rules of a run's start and of the turns in a session, apart from any database. Every store loads the same rows and asks
/// the same questions.
/// </summary>
public static class StartRules
{
    /// <summary>The answer to a start whose run is there already: it is the same start, made again.</summary>
    /// <param name="start">The start.</param>
    /// <param name="tenant">The tenant of the run that is there.</param>
    /// <param name="key">That run's key.</param>
    /// <exception cref="ArgumentException">The run was started for another tenant or key.</exception>
    public static StartResult Again(RunStart start, string tenant, string? key)
    {
        ArgumentNullException.ThrowIfNull(start);
        return tenant == start.Started.Tenant && key == start.Started.Key
            ? new StartResult(start.Run, Created: false)
            : throw new ArgumentException(
                $"Run {start.Run} was started already, for another tenant or key; make its id with RunId.New.", nameof(start));
    }

    /// <summary>Whether a new run is a run of a session's own: children are not.</summary>
    public static bool IsOfSession(RunStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        return start.Started is { Session: not null, Parent: null };
    }

    /// <summary>Whether a run is a run of a session's own: children are not.</summary>
    public static bool IsOfSession(RunRecord run)
    {
        ArgumentNullException.ThrowIfNull(run);
        return run is { Session: not null, Ancestors: [] };
    }

    /// <summary>Whether a new run heeds the active runs of its session.</summary>
    public static bool HeedsOthers(RunStart start) => IsOfSession(start) && start.SessionPolicy != SessionPolicy.Parallel;

    /// <summary>Whether a new run takes a place in a queue that is limited: children do not.</summary>
    public static bool IsCounted(RunStart start)
    {
        ArgumentNullException.ThrowIfNull(start);
        return start.Started.Parent is null;
    }

    /// <summary>
    /// The refusal of a run whose session has active ones, under <see cref="SessionPolicy.Reject"/>; null when it may start.
    /// </summary>
    public static StartResult? Refuse(RunStart start, IReadOnlyList<RunRecord> active)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(active);
        return active.Count > 0 && start.SessionPolicy == SessionPolicy.Reject
            ? new StartResult(start.Run, Created: false) { BusyWith = active[0].Run }
            : null;
    }

    /// <summary>The cancels that a new run sends to the active ones of its session.</summary>
    public static IEnumerable<Signal> Cancels(RunStart start, IReadOnlyList<RunRecord> active)
    {
        ArgumentNullException.ThrowIfNull(start);
        ArgumentNullException.ThrowIfNull(active);
        return start.SessionPolicy is SessionPolicy.Interrupt or SessionPolicy.Rollback
            ? active.Select(run => SessionRules.CancelOf(run.Run, start))
            : [];
    }

    /// <summary>
    /// The run that begins now that another one of its session has ended; null when nobody waits, or somebody else is active.
    /// </summary>
    /// <param name="active">The runs of the session that have not ended, oldest first; the first of them is enough.</param>
    public static RunRecord? Next(IReadOnlyList<RunRecord> active) => active is [{ Queued: true } next, ..] ? next : null;
}
