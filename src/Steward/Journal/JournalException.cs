namespace Steward.Journal;

/// <summary>A journal cannot be trusted or read: it was edited, went backwards, has a gap, or was written by a newer version.</summary>
public sealed class JournalException : StewardException
{
    /// <summary>Creates the error.</summary>
    public JournalException(string message, Exception? innerException = null)
        : base(message, innerException)
    {
    }

    /// <summary>The run, if one is known.</summary>
    public RunId? Run { get; init; }

    /// <summary>The sequence at which the journal stops being genuine, if one is known.</summary>
    public long? Sequence { get; init; }

    /// <summary>Whether the database holds less, or something else, than was acknowledged; a loss for good can be accepted.</summary>
    public bool IsLoss { get; init; }

    internal static JournalException Edited(RunId run, long sequence, string how) =>
        new(
            $"The journal of run {run} is not genuine at sequence {sequence}: {how}. Nothing was run. Restore the database from a backup, or see docs/durability.md.") { Run = run, Sequence = sequence };

    internal static JournalException Gap(RunId run, long expected, long actual) =>
        new(
            $"The journal of run {run} has a gap: sequence {expected} was due, {actual} came. Nothing was run. Restore the database from a backup, or see docs/durability.md.") { Run = run, Sequence = expected };

    internal static JournalException Unfoldable(RunId run, long sequence, string type, Exception cause) =>
        new(
            $"The journal of run {run} cannot be folded: the event '{type}' at sequence {sequence} is refused ({cause.Message.TrimEnd('.')}). Nothing was run. Cancel the run, or work on it with the version that wrote it.",
            cause) { Run = run, Sequence = sequence };

    /// <summary>The journal ends before what was already acknowledged.</summary>
    public static JournalException WentBackwards(RunId run, long acknowledged, long head) =>
        new(
            $"The journal of run {run} went backwards: sequence {acknowledged} was acknowledged, but the database ends at {head}. "
            + "An older copy or a damaged write-ahead log was opened. Restore the newest database, or accept the loss: "
            + "SqliteStoreOptions.AcceptLoss for a SQLite file, a restart of the nodes for PostgreSQL.")
        {
            Run = run,
            Sequence = head + 1,
            IsLoss = true,
        };
}
