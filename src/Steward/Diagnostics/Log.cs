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
}
