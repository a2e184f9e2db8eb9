using System.Collections.Concurrent;
using System.Data.Common;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Makes admitted tool calls; a replay answers from the journal instead.</summary>
internal interface IToolExecutor
{
    /// <summary>Makes a call; the blob is the whole result when the event holds a preview.</summary>
    ValueTask<(RunEvent Event, Blob? Blob)> InvokeAsync(
        ToolDefinition tool, ToolContext context, JsonElement arguments, ToolStarted intent, CancellationToken interrupted);

    /// <summary>Asks the tool's probe; anything but a clear word is unknown.</summary>
    ValueTask<ProbeResult> ProbeAsync(ToolDefinition tool, ToolContext context, JsonElement arguments, CancellationToken interrupted);
}

/// <summary>Makes one admitted tool call and turns whatever happens into its one event. Never throws for what a tool does.</summary>
internal sealed class ToolExecutor(TimeProvider time, TimeSpan grace, ILogger logger) : IToolExecutor
{
    private const string SerializationFailure = "40001";
    private const string DeadlockDetected = "40P01";

    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);

    /// <summary>Makes a call; the blob is the whole result when the event holds a preview.</summary>
    public async ValueTask<(RunEvent Event, Blob? Blob)> InvokeAsync(
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        ToolStarted intent,
        CancellationToken interrupted)
    {
        long start = time.GetTimestamp();
        using var timeout = new CancellationTokenSource(tool.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, interrupted);
        try
        {
            ToolOutput output = await WaitAsync(() => tool.Handler(context, arguments, linked.Token), intent.Key, linked.Token);
            return Returned(tool, intent, output, time.GetElapsedTime(start));
        }
        catch (ToolException e)
        {
            Log.ToolReported(logger, context.Run, intent.Name, e);
            return (Failed(intent, ToolFailure.Reported, e.Message, e.InnerException is { } cause ? Describe(cause) : null), null);
        }
        catch (Exception e) when (timeout.IsCancellationRequested && !interrupted.IsCancellationRequested)
        {
            return (
                Stopped(intent, ToolFailure.Timeout, $"'{intent.Name}' did not return within {tool.Timeout.TotalSeconds:0.###} s.", e),
                null);
        }
        catch (Exception e) when (interrupted.IsCancellationRequested)
        {
            return (Stopped(intent, ToolFailure.Cancelled, $"'{intent.Name}' was interrupted.", e), null);
        }
        catch (DbException e) when (context.Transaction is not null && e.SqlState is SerializationFailure or DeadlockDetected)
        {
            throw; // Another transaction was in the way: the store makes this one again, with the call in it.
        }
        catch (Exception e)
        {
            Log.ToolThrew(logger, context.Run, intent.Name, e);
            return (Stopped(intent, ToolFailure.Exception, $"'{intent.Name}' failed.", e), null);
        }
    }

    /// <summary>Asks the tool's probe; anything but a clear word is unknown.</summary>
    /// <remarks>
    /// A call that this process abandoned may still be at work. A probe that looks too early would say "did not happen" of an
    /// effect that is about to. So it is waited for first; a call that does not end within the tool's timeout is of unknown outcome.
    /// </remarks>
    public async ValueTask<ProbeResult> ProbeAsync(
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        CancellationToken interrupted)
    {
        using var timeout = new CancellationTokenSource(tool.Timeout, time);
        using var linked = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, interrupted);
        try
        {
            if (_running.TryGetValue(context.IdempotencyKey, out Task? running))
                await Task.WhenAny(running).WaitAsync(linked.Token);
            return await WaitAsync(() => tool.Probe!(context, arguments, linked.Token), null, linked.Token);
        }
        catch (Exception e) when (!interrupted.IsCancellationRequested)
        {
            Log.ProbeFailed(logger, context.Run, tool.Name, e);
            return ProbeResult.Unknown;
        }
    }

    /// <summary>Waits for a call; when it is cancelled and does not come back within the grace time, it is abandoned.</summary>
    /// <param name="call">The call.</param>
    /// <param name="key">Its idempotency key, under which others see that it is at work; null for a call without an effect.</param>
    /// <param name="cancellationToken">Cancels the call.</param>
    private async ValueTask<T> WaitAsync<T>(Func<ValueTask<T>> call, string? key, CancellationToken cancellationToken)
    {
        ValueTask<T> pending = call();
        if (pending.IsCompleted)
            return await pending;
        Task<T> task = pending.AsTask();
        try
        {
            return await task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!task.IsCompleted)
        {
            if (key is not null)
                Watch(key, task);
            return await task.WaitAsync(grace, time, CancellationToken.None);
        }
    }

    private void Watch(string key, Task task)
    {
        _running[key] = task;
        _ = task.ContinueWith(
            t => _running.TryRemove(new KeyValuePair<string, Task>(key, t)),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private static (RunEvent Event, Blob? Blob) Returned(ToolDefinition tool, ToolStarted intent, ToolOutput output, TimeSpan elapsed)
    {
        string text = output.Text ?? "";
        Blob? blob = null;
        if (Encoding.UTF8.GetByteCount(text) is var length && length > tool.MaxResult)
        {
            blob = Blob.Of(Encoding.UTF8.GetBytes(text));
            text = ResultReader.Preview(blob, tool.MaxResult);
        }

        return (
            new ToolReturned
            {
                Turn = intent.Turn,
                Index = intent.Index,
                Result = text,
                Blob = blob?.Hash,
                Length = blob is null ? 0 : length,
                Settled = new BudgetAmount(ToolCalls: 1, Usd: output.CostUsd ?? intent.Reserved.Usd),
                Ms = (long)elapsed.TotalMilliseconds,
            },
            blob);
    }

    /// <summary>A call that was cut off: harmless to repeat where its effect says so, otherwise of unknown outcome.</summary>
    private static ToolFailed Stopped(ToolStarted intent, ToolFailure failure, string message, Exception e) =>
        Failed(intent, intent.Effect != ToolEffect.Unsafe ? failure : ToolFailure.OutcomeUnknown, message, Describe(e));

    // Without the stack: the log has it, and a journal is kept for years.
    private static string Describe(Exception e) => $"{e.GetType().FullName}: {e.Message}";

    private static ToolFailed Failed(ToolStarted intent, ToolFailure failure, string message, string? detail) => new()
    {
        Turn = intent.Turn,
        Index = intent.Index,
        Failure = failure,
        Message = message,
        Detail = detail is { Length: > 2_000 } ? detail[..2_000] : detail,
        Settled = intent.Reserved,
    };
}
