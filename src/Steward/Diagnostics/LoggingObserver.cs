using Microsoft.Extensions.Logging;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Diagnostics;

/// <summary>Logs transitions with their reasons, and alerts. Content of messages never goes into the log.</summary>
internal sealed class LoggingObserver(ILogger<LoggingObserver> logger) : IRunObserver
{
    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        if (!logger.IsEnabled(LogLevel.Information))
            return;
        foreach (JournalEntry entry in entries)
        {
            if (entry.Event is StateChanged change)
                Log.StateChanged(logger, state.Run, change.From.Name(), change.To.Name(), change.Reason);
        }
    }

    public void Alerted(RunState state, BudgetAlert alert) =>
        Log.BudgetAlert(logger, state.Run, alert.Scope.Key, alert.Used, alert.Ceiling, alert.Metric);
}
