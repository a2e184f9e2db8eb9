using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Makes admitted tool calls; a replay answers from the journal instead.</summary>
internal interface IToolExecutor
{
    /// <summary>Makes a call; the blob is the whole result when the event holds a preview.</summary>
    /// <param name="tool">The tool.</param>
    /// <param name="context">The call.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="intent">Its durable intent.</param>
    /// <param name="mayEnter">What must hold when the handler is entered; otherwise the call is not made. Null for nothing.</param>
    /// <param name="interrupted">Stops the call.</param>
    ValueTask<(RunEvent Event, Blob? Blob)> InvokeAsync(
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        ToolStarted intent,
        Func<bool>? mayEnter,
        CancellationToken interrupted);

    /// <summary>Asks the tool's probe; anything but a clear word is unknown.</summary>
    ValueTask<ProbeResult> ProbeAsync(ToolDefinition tool, ToolContext context, JsonElement arguments, CancellationToken interrupted);
}

/// <summary>Makes one admitted tool call and turns whatever happens into its one event. Never throws for what a tool does.</summary>
/// <remarks>
/// A handler runs on a thread of its own, with a service scope of its own. The loop waits for it no longer than the timeout, or a
/// cancel and the grace time after it; then the call is abandoned and counted. What fails before the handler is entered did not happen.
/// </remarks>
internal sealed class ToolExecutor(Handlers handlers, StoreLimits limits, TimeProvider time, TimeSpan grace, ILogger logger) : IToolExecutor
{
    private const string SerializationFailure = "40001";
    private const string DeadlockDetected = "40P01";

    private readonly ConcurrentDictionary<string, Task> _running = new(StringComparer.Ordinal);
    private readonly ToolResults _results = new(limits);

    /// <inheritdoc/>
    public async ValueTask<(RunEvent Event, Blob? Blob)> InvokeAsync(
        ToolDefinition tool,
        ToolContext context,
        JsonElement arguments,
        ToolStarted intent,
        Func<bool>? mayEnter,
        CancellationToken interrupted)
    {
        if (handlers.IsFull(context))
            return (TooManyAbandoned(intent, context), null);
        long start = time.GetTimestamp();
        var entry = new HandlerEntry(mayEnter);
        using var timeout = new CancellationTokenSource(tool.Timeout, time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, interrupted);
        try
        {
            ToolOutput output = await CallAsync(
                context, (own, token) => tool.Handler(own, arguments, token), intent.Key, entry, stop.Token);
            return _results.Returned(tool, intent, output, time.GetElapsedTime(start));
        }
        catch (ToolException e)
        {
            Log.ToolReported(logger, context.Run, intent.Name, e);
            return (ToolResults.Failed(tool, intent, ToolFailure.Reported, e.Message, e.InnerException), null);
        }
        catch (Exception e) when (!entry.IsEntered)
        {
            bool isStopped = stop.IsCancellationRequested || entry.IsHeldBack;
            if (!isStopped)
                Log.ToolNotEntered(logger, context.Run, intent.Name, e);
            return (NotEntered(tool, intent, isStopped, e), null);
        }
        catch (Exception e) when (timeout.IsCancellationRequested && !interrupted.IsCancellationRequested)
        {
            return (
                Stopped(
                    tool, intent, ToolFailure.Timeout, $"'{intent.Name}' did not return within {tool.Timeout.TotalSeconds:0.###} s.", e),
                null);
        }
        catch (Exception e) when (interrupted.IsCancellationRequested)
        {
            return (Stopped(tool, intent, ToolFailure.Cancelled, $"'{intent.Name}' was interrupted.", e), null);
        }
        catch (DbException e) when (context.Transaction is not null && e.SqlState is SerializationFailure or DeadlockDetected)
        {
            throw; // Another transaction was in the way: the store makes this one again, with the call in it.
        }
        catch (Exception e)
        {
            Log.ToolThrew(logger, context.Run, intent.Name, e);
            return (Stopped(tool, intent, ToolFailure.Exception, $"'{intent.Name}' failed.", e), null);
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
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, interrupted);
        try
        {
            if (_running.TryGetValue(context.IdempotencyKey, out Task? running))
                await Task.WhenAny(running).WaitAsync(stop.Token);
            ProbeResult found = await CallAsync(
                context, (own, token) => tool.Probe!(own, arguments, token), null, new HandlerEntry(), stop.Token);
            return found with { Result = ToolResults.Cut(found.Result, tool) };
        }
        catch (Exception e) when (!interrupted.IsCancellationRequested)
        {
            Log.ProbeFailed(logger, context.Run, tool.Name, e);
            return ProbeResult.Unknown;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            throw new OperationCanceledException("The run was interrupted while the probe was at work.", e, interrupted);
        }
    }

    /// <summary>Has a call made; when it is stopped and does not come back within the grace time, it is abandoned.</summary>
    /// <param name="context">The call.</param>
    /// <param name="call">What makes it.</param>
    /// <param name="key">Its idempotency key, under which others see that it is at work; null for a call without an effect.</param>
    /// <param name="entry">Whether the handler was entered.</param>
    /// <param name="stop">Stops the call.</param>
    private async ValueTask<T> CallAsync<T>(
        ToolContext context,
        Func<ToolContext, CancellationToken, ValueTask<T>> call,
        string? key,
        HandlerEntry entry,
        CancellationToken stop)
    {
        // Not disposed: a call that was abandoned may still ask it.
        var told = new CancellationTokenSource();
        Task<T> task = handlers.StartAsync(() => InScopeAsync(context, call, entry, told.Token));
        try
        {
            return await task.WaitAsync(stop);
        }
        catch (OperationCanceledException) when (!task.IsCompleted && !entry.TryGiveUp())
        {
            handlers.Cancel(told);
            if (key is not null)
                Watch(key, task);
            try
            {
                return await task.WaitAsync(grace, time, CancellationToken.None);
            }
            catch (TimeoutException) when (!task.IsCompleted)
            {
                Log.ToolAbandoned(logger, context.Run, context.Tool, context.IdempotencyKey, grace, handlers.Abandon(context, task));
                throw;
            }
        }
    }

    /// <summary>Gives the call services of its own, which are disposed when it has really ended.</summary>
    private async ValueTask<T> InScopeAsync<T>(
        ToolContext context,
        Func<ToolContext, CancellationToken, ValueTask<T>> call,
        HandlerEntry entry,
        CancellationToken told)
    {
        if (context.Services?.GetService<IServiceScopeFactory>() is not { } scopes)
            return await EnterAsync(context, call, entry, told);

        AsyncServiceScope scope = scopes.CreateAsyncScope();
        try
        {
            return await EnterAsync(context with { Services = scope.ServiceProvider }, call, entry, told);
        }
        finally
        {
            try
            {
                await scope.DisposeAsync();
            }
            catch (Exception e)
            {
                // The call was made: what its services throw at their end does not change that.
                Log.ScopeNotDisposed(logger, context.Run, context.Tool, e);
            }
        }
    }

    private static ValueTask<T> EnterAsync<T>(
        ToolContext context,
        Func<ToolContext, CancellationToken, ValueTask<T>> call,
        HandlerEntry entry,
        CancellationToken told) => entry.TryEnter() ? call(context, told) : throw new OperationCanceledException(told);

    private void Watch(string key, Task task)
    {
        _running[key] = task;
        _ = task.ContinueWith(
            t => _running.TryRemove(new KeyValuePair<string, Task>(key, t)),
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }

    private ToolFailed TooManyAbandoned(ToolStarted intent, ToolContext context)
    {
        int abandoned = handlers.AbandonedOf(context);
        Log.ToolFull(logger, context.Run, context.Tool, abandoned);
        return ToolResults.NotMade(
            intent,
            ToolFailure.Reported,
            string.Create(CultureInfo.InvariantCulture,
                $"'{intent.Name}' was not called: {abandoned} earlier calls of it were given up and have not come back. Go on without it."));
    }

    private static ToolFailed NotEntered(ToolDefinition tool, ToolStarted intent, bool isStopped, Exception e) => isStopped
        ? ToolResults.NotMade(intent, ToolFailure.Cancelled, $"'{intent.Name}' was not called: it was stopped before it began.")
        : ToolResults.Failed(tool, intent, ToolFailure.Exception, $"'{intent.Name}' was not called: it could not be prepared.", e);

    /// <summary>A call that was cut off: harmless to repeat where its effect says so, otherwise of unknown outcome.</summary>
    private static ToolFailed Stopped(ToolDefinition tool, ToolStarted intent, ToolFailure failure, string message, Exception e) =>
        ToolResults.Failed(tool, intent, intent.Effect != ToolEffect.Unsafe ? failure : ToolFailure.OutcomeUnknown, message, e);
}
