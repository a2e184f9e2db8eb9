using Microsoft.Extensions.Logging;
using Steward.Journal;

namespace Steward.Diagnostics;

internal static partial class Log
{
    [LoggerMessage(2, LogLevel.Information, "Run {Run}: {From} -> {To} ({Reason})")]
    public static partial void StateChanged(ILogger logger, RunId run, string from, string to, string reason);

    [LoggerMessage(10, LogLevel.Warning, "Run {Run}: {Scope} has used {Used} of its ceiling {Ceiling} of {Metric}")]
    public static partial void BudgetAlert(ILogger logger, RunId run, string scope, decimal used, decimal ceiling, BudgetMetric metric);

    [LoggerMessage(30, LogLevel.Error, "Run {Run}: the alert on {Metric} of {Scope} was not delivered to the webhook at {Receiver}")]
    public static partial void AlertGivenUp(
        ILogger logger,
        RunId run,
        string scope,
        BudgetMetric metric,
        string receiver,
        Exception exception);

    [LoggerMessage(31, LogLevel.Warning, "Run {Run}: this process stops before the alert on {Metric} of {Scope} was delivered to the webhook at {Receiver}")]
    public static partial void AlertNotSent(ILogger logger, RunId run, string scope, BudgetMetric metric, string receiver);

    [LoggerMessage(32, LogLevel.Error, "Alerts that were not sent to the webhook at {Receiver}, because too many waited or the process stops: {Count}")]
    public static partial void AlertsDropped(ILogger logger, string receiver, int count);

    [LoggerMessage(60, LogLevel.Warning, "Telemetry: {Count} journal entries became no spans so far, because too many waited; export the runs to send them")]
    public static partial void TelemetryDropped(ILogger logger, long count);

    [LoggerMessage(61, LogLevel.Warning, "Run {Run}: some of its journal could not be traced; export the run to send its spans")]
    public static partial void TraceFailed(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(62, LogLevel.Warning, "Telemetry: this .NET runtime has no field for a span's id, so spans have random ids and traces come apart; use the version of .NET that Steward was built for")]
    public static partial void SpanIdsNotSupported(ILogger logger);
}
