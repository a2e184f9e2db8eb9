using Microsoft.Extensions.Logging;
using Orleans.Runtime;
using Steward.Journal;

namespace Steward.Orleans;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Warning, "Run {Run}: Orleans did not place it; this worker claims it itself")]
    public static partial void NotPlaced(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(2, LogLevel.Warning, "Run {Run}: Orleans did not carry the hint to its silo; polling finds what it was about")]
    public static partial void NotRelayed(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "Run {Run}: its silo could not be asked to send live; it is tried again")]
    public static partial void NotFollowing(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(4, LogLevel.Information, "Run {Run}: a follower does not answer any more; nothing is sent to it")]
    public static partial void FollowerGone(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(5, LogLevel.Error, "Run {Run}: this silo could not reach the store; another one, or a later poll, takes the run")]
    public static partial void StoreTrouble(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(8, LogLevel.Information, "Run {Run}: its silo was not told that a follower has left; it notices by itself")]
    public static partial void NotLeft(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(6, LogLevel.Warning, "Silo {Silo} did not hear of a kill switch; the gate enforces it, and calls in flight there hear of it by polling")]
    public static partial void NotTold(ILogger logger, SiloAddress silo, Exception exception);

    [LoggerMessage(7, LogLevel.Warning, "Orleans did not carry a kill switch to the silos; the gate enforces it, and calls in flight hear of it by polling")]
    public static partial void NoneTold(ILogger logger, Exception exception);
}
