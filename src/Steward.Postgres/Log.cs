using Microsoft.Extensions.Logging;

namespace Steward.Postgres;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "A transaction on '{Database}' met another one (SQLSTATE {State}) and was rolled back; it is made again (attempt {Attempt}).")]
    public static partial void Retried(ILogger logger, string database, string state, int attempt);

    [LoggerMessage(2, LogLevel.Warning, "The database '{Database}' has {Setting} = off: what it acknowledges may be lost when its machine fails. Switch it on for runs that matter.")]
    public static partial void NotDurable(ILogger logger, string database, string setting);

    [LoggerMessage(3, LogLevel.Information, "The schema '{Schema}' of '{Database}' was brought to version {Version}.")]
    public static partial void Migrated(ILogger logger, string schema, string database, int version);

    [LoggerMessage(5, LogLevel.Debug, "A hint to the other nodes on '{Database}' was lost; they find by polling what it was about.")]
    public static partial void HintLost(ILogger logger, Exception error, string database);

    [LoggerMessage(6, LogLevel.Warning, "The connection that listens on '{Database}' is gone; until it is back, new work and signals from other nodes are found by polling.")]
    public static partial void NotListening(ILogger logger, Exception error, string database);

    [LoggerMessage(7, LogLevel.Warning, "The database '{Database}' is on a new timeline: a standby was promoted, or a backup restored, and commits that were acknowledged may be missing. {Runs} runs that were at work or due are doubted: those that may have effects that are not safe to repeat ask a person before they go on.")]
    public static partial void FailedOver(ILogger logger, string database, int runs);

    [LoggerMessage(4, LogLevel.Error, "The connection to '{Database}' failed while a commit was under way: it may or may not have happened, and is read back.")]
    public static partial void Ambiguous(ILogger logger, Exception error, string database);
}
