using Microsoft.Extensions.Logging;
using Steward.Journal;

namespace Steward.Engine;

internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Information, "Run {Run}: claimed by {Worker}, epoch {Epoch}, attempt {Attempt}")]
    public static partial void Claimed(ILogger logger, RunId run, string worker, long epoch, int attempt);

    [LoggerMessage(3, LogLevel.Warning, "Run {Run}: fenced; a later epoch or another sequence is there, this worker stops")]
    public static partial void Fenced(ILogger logger, RunId run);

    [LoggerMessage(4, LogLevel.Warning, "Run {Run}: the kill switch {Scope} is engaged; the run is parked")]
    public static partial void Killed(ILogger logger, RunId run, string scope);

    [LoggerMessage(5, LogLevel.Error, "Run {Run}: the work on it failed; it is claimable again when its lease ends")]
    public static partial void RunBroke(ILogger logger, RunId run, Exception exception);

    [LoggerMessage(6, LogLevel.Information, "Run {Run}: tool {Tool} reported a failure")]
    public static partial void ToolReported(ILogger logger, RunId run, string tool, Exception exception);

    [LoggerMessage(7, LogLevel.Error, "Run {Run}: tool {Tool} threw; the model is told only that it failed")]
    public static partial void ToolThrew(ILogger logger, RunId run, string tool, Exception exception);

    [LoggerMessage(8, LogLevel.Warning, "Run {Run}: the probe of tool {Tool} failed; its outcome stays unknown")]
    public static partial void ProbeFailed(ILogger logger, RunId run, string tool, Exception exception);

    [LoggerMessage(9, LogLevel.Warning, "Run {Run}: validator {Validator} threw; its verdict is inconclusive")]
    public static partial void ValidatorThrew(ILogger logger, RunId run, string validator, Exception exception);

    [LoggerMessage(11, LogLevel.Error, "The worker {Worker} could not reach the store; it tries again")]
    public static partial void WorkerTrouble(ILogger logger, string worker, Exception exception);

    [LoggerMessage(12, LogLevel.Warning, "Run {Run}: agent {Agent} version {Version} with definition {Hash} is not loaded here; the run is parked")]
    public static partial void AgentMissing(ILogger logger, RunId run, string agent, string version, string hash);

    [LoggerMessage(13, LogLevel.Error, "Run {Run}: quarantined after {Attempts} claims without progress")]
    public static partial void Quarantined(ILogger logger, RunId run, int attempts);

    [LoggerMessage(14, LogLevel.Error, "Run {Run}: its journal is damaged (claim {Attempt}); nothing is appended to it, and it is tried again when its lease ends")]
    public static partial void RunDamaged(ILogger logger, RunId run, int attempt, Exception exception);

    [LoggerMessage(15, LogLevel.Error, "Run {Run}: its journal is still damaged after {Attempts} claims; the run is put away")]
    public static partial void DamagedRunPutAway(ILogger logger, RunId run, int attempts, Exception exception);

    [LoggerMessage(16, LogLevel.Warning, "Run {Run}: cancelled by {By}, although its journal cannot be read")]
    public static partial void DamagedRunCancelled(ILogger logger, RunId run, string by, Exception exception);

    [LoggerMessage(34, LogLevel.Error, "Run {Run}: the observer {Observer} threw; runs go on, and its further failures are not logged")]
    public static partial void ObserverThrew(ILogger logger, RunId run, string observer, Exception exception);

    [LoggerMessage(33, LogLevel.Error, "Run {Run}: the database went backwards; sequence {Acknowledged} was acknowledged, its journal ends at {Head}")]
    public static partial void WentBackwards(ILogger logger, RunId run, long acknowledged, long head);

    [LoggerMessage(40, LogLevel.Warning, "Run {Run}: the context source {Source} failed; the run goes on without it")]
    public static partial void ContextSourceFailed(ILogger logger, RunId run, string source, Exception exception);

    [LoggerMessage(41, LogLevel.Warning, "Run {Run}: the tool source {Source} did not say what it offers")]
    public static partial void ToolSourceFailed(ILogger logger, RunId run, string source, Exception exception);

    [LoggerMessage(42, LogLevel.Warning, "Run {Run}: the tool {Tool} of source {Source} is left out; another tool has its name")]
    public static partial void ToolHidden(ILogger logger, RunId run, string source, string tool);

    [LoggerMessage(48, LogLevel.Warning, "Run {Run}: the approval policy {Policy} names the tool {Tool}, and neither the agent nor its sources have it; it guards nothing")]
    public static partial void PolicyNamesNothing(ILogger logger, RunId run, string policy, string tool);

    [LoggerMessage(43, LogLevel.Warning, "Run {Run}: the tool {Tool} of source {Source} is left out; its name or schema is not usable")]
    public static partial void ToolUnusable(ILogger logger, RunId run, string source, string tool, Exception exception);

    [LoggerMessage(44, LogLevel.Error, "Run {Run}: tool {Tool} (key {Key}) did not come back {Grace} after it was stopped; the call is abandoned, and {Count} of this tool are now")]
    public static partial void ToolAbandoned(ILogger logger, RunId run, string tool, string key, TimeSpan grace, int count);

    [LoggerMessage(45, LogLevel.Error, "Run {Run}: tool {Tool} was not called; {Count} abandoned calls of it have not come back")]
    public static partial void ToolFull(ILogger logger, RunId run, string tool, int count);

    [LoggerMessage(46, LogLevel.Error, "Run {Run}: tool {Tool} could not be prepared and was not called")]
    public static partial void ToolNotEntered(ILogger logger, RunId run, string tool, Exception exception);

    [LoggerMessage(47, LogLevel.Error, "Run {Run}: the services of a call of tool {Tool} could not be disposed")]
    public static partial void ScopeNotDisposed(ILogger logger, RunId run, string tool, Exception exception);
}
