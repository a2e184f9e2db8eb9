using System.Text.Json;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.TimeTravel;

/// <summary>Gives calls the results that were recorded, in the order in which they came; never calls a tool.</summary>
internal sealed class ReplayExecutor(ReplayTape tape) : IToolExecutor
{
    private readonly Lock _lock = new();
    private readonly Dictionary<(int, int), TaskCompletionSource<RunEvent>> _pending = [];

    public async ValueTask<(RunEvent Event, Blob? Blob)> InvokeAsync(
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        ToolStarted intent,
        Func<bool>? mayEnter,
        CancellationToken interrupted)
    {
        TaskCompletionSource<RunEvent> result = new(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_lock)
            _pending[(intent.Turn, intent.Index)] = result;
        Release();
        return (await result.Task, null);
    }

    public ValueTask<ProbeResult> ProbeAsync(
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        CancellationToken interrupted) =>
        tape.Ahead().FirstOrDefault(e => e is ToolResolved { By: "probe" }) is ToolResolved found
            ? new(new ProbeResult(found.Outcome, found.Result))
            : throw tape.Stop();

    /// <summary>Lets the call end whose result was recorded next; when there is
    /// none, the calls that are left were cut off with their worker.</summary>
    public void Release()
    {
        lock (_lock)
        {
            if (_pending.Count == 0)
                return;
            RunEvent? next = tape.Ahead().FirstOrDefault(e => e is ToolReturned or ToolFailed);
            if (next is null)
            {
                OperationCanceledException stop = tape.Stop();
                foreach (TaskCompletionSource<RunEvent> cut in _pending.Values)
                    cut.SetException(stop);
                _pending.Clear();
            }
            else if (_pending.Remove(
                next is ToolReturned r ? (r.Turn, r.Index) : (((ToolFailed)next).Turn, ((ToolFailed)next).Index),
                out TaskCompletionSource<RunEvent>? result))
            {
                result.SetResult(next);
            }
        }
    }

    /// <summary>Forgets the calls of a worker that went away.</summary>
    public void Forget()
    {
        lock (_lock)
            _pending.Clear();
    }
}
