using Microsoft.Extensions.Logging;
using Steward.Journal;

namespace Steward.Sqlite;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "Reading or writing '{Path}' failed in the operating system; the database is closed and will be reopened and read again before the next write.")]
    public static partial void IoError(ILogger logger, Exception error, string path);

    [LoggerMessage(2, LogLevel.Information, "The database '{Path}' has no witness yet (it is new, was copied without it, or the witness was deleted); from now on one is kept beside it.")]
    public static partial void NoWitness(ILogger logger, string path);

    [LoggerMessage(3, LogLevel.Error, "Run {Run} is refused: {Problem}")]
    public static partial void RunRefused(ILogger logger, RunId run, string problem);

    [LoggerMessage(4, LogLevel.Warning, "The witness of '{Path}' cannot be written, so the loss of acknowledged entries may go unnoticed: {Problem}")]
    public static partial void WitnessFailed(ILogger logger, string path, string problem);

    [LoggerMessage(5, LogLevel.Warning, "The loss of acknowledged entries in '{Path}' was accepted; {Runs} runs are believed again as the database holds them.")]
    public static partial void LossAccepted(ILogger logger, string path, int runs);
}
