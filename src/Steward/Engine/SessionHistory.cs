using System.Text;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Engine;

/// <summary>What was said before in a run's session: journaled when the run is first claimed, so that a replay sees the same.</summary>
internal sealed class SessionHistory(IRunStore store) : IContextSource
{
    private const int MaxRuns = 20;
    private const int MaxBytes = 32 * 1024;

    /// <inheritdoc/>
    public string Name => "session_history";

    /// <summary>The last exchanges of the session, oldest first.</summary>
    public async ValueTask<IReadOnlyList<ContextEvent>> ReadAsync(ContextRequest request, CancellationToken cancellationToken)
    {
        RunState state = request.State;
        if (request.Turn > 0 || state.Started is not { Session: { } session, Parent: null, Origin: null })
            return [];
        IReadOnlyList<RunInfo> runs = await store.FindAsync(
            new RunQuery { Tenant = state.Started.Tenant, Session = session, Statuses = StatusRules.Ended },
            cancellationToken);
        List<HistoryMessage> messages = [];
        int bytes = 0;
        foreach (RunInfo run in runs.Where(
            r => r.Ancestors.Count == 0 && r.Run != state.Run && r.CreatedAt <= state.StartedAt).Take(MaxRuns))
        {
            if (await ReadAsync(run, cancellationToken) is not { } message)
                continue;
            bytes += message.Input.OfType<TextPart>().Sum(p => Encoding.UTF8.GetByteCount(p.Text))
                + Encoding.UTF8.GetByteCount(message.Output ?? "");
            if (bytes > MaxBytes)
                break;
            messages.Add(message);
        }

        messages.Reverse();
        return messages.Count == 0 ? [] : [new HistoryAdded(messages)];
    }

    /// <summary>What a run was asked and answered; null when it was rolled back, or failed without a word.</summary>
    private async ValueTask<HistoryMessage?> ReadAsync(RunInfo run, CancellationToken cancellationToken)
    {
        RunStarted? started = null;
        await foreach (JournalEntry entry in store.ReadAsync(run.Run, 0, cancellationToken))
        {
            started = (RunStarted)entry.Event;
            break;
        }

        RunEvent? outcome = null;
        await foreach (JournalEntry entry in store.ReadAsync(run.Run, run.Sequence - 1, cancellationToken))
            outcome = entry.Event;
        return outcome switch
        {
            RunCompleted completed => new HistoryMessage(run.Run, started!.Input, completed.Output),
            RunCancelled { By: SessionRules.Rollback } => null,
            RunCancelled cancelled => new HistoryMessage(run.Run, started!.Input, cancelled.Partial),
            RunFailed { Partial: { } partial } => new HistoryMessage(run.Run, started!.Input, partial),
            _ => null,
        };
    }
}
