using Microsoft.Extensions.Logging;

namespace Steward.AspNetCore;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "{Method} {Path} failed.")]
    public static partial void RequestFailed(ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "The database did not do what {Method} {Path} asked for.")]
    public static partial void StoreTrouble(ILogger logger, string method, string path, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "The database does not answer /readyz.")]
    public static partial void NotReady(ILogger logger, Exception exception);
}
