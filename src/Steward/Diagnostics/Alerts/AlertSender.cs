using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Diagnostics.Alerts;

/// <summary>Hears of alerts and posts them to the webhook, one after another and
/// apart from the runs: none ever waits for a receiver, or fails with it.</summary>
/// <remarks>
/// A notice, not a record: what waits here is lost when the process is killed, and dropped when the
/// queue is full. What was spent is in the store. A stopping process posts what waits for as long as
/// the grace lasts; the host stops it after the worker, whose last commits can still raise alerts.
/// </remarks>
internal sealed class AlertSender : IHostedService, IRunObserver, IDisposable
{
    private readonly AlertWebhook? _webhook;
    private readonly AlertDeliveryOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<AlertSender> _logger;
    private readonly Channel<AlertMessage> _queue;
    private readonly CancellationTokenSource _grace;
    private Task _posting = Task.CompletedTask;
    private int _dropped;
    private volatile bool _isOver;

    /// <param name="url">Where to post; null to post nothing.</param>
    /// <param name="secret">The key of the signature; null for none.</param>
    /// <param name="options">Limits of the queue and of each delivery.</param>
    /// <param name="time">The clock of messages, signatures and time limits.</param>
    /// <param name="logger">Hears of what was not delivered.</param>
    public AlertSender(Uri? url, string? secret, AlertDeliveryOptions options, TimeProvider time, ILogger<AlertSender> logger)
    {
        _webhook = url is null ? null : new AlertWebhook(url, secret, options, time);
        _options = options;
        _time = time;
        _logger = logger;
        _queue = Channel.CreateBounded<AlertMessage>(
            new BoundedChannelOptions(options.QueueLength) { FullMode = BoundedChannelFullMode.Wait, SingleReader = true });
        _grace = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
    }

    public void Alerted(RunState state, BudgetAlert alert)
    {
        if (_webhook is null || _queue.Writer.TryWrite(AlertMessage.Of(state, alert, _time.GetUtcNow())))
            return;
        Interlocked.Increment(ref _dropped);
        if (_isOver)
            LogDropped();
    }

    // Not a BackgroundService: one that is stopped at once after its start may never run, and what waits would be lost without a word.
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (_webhook is { } webhook)
            _posting = Task.Run(() => PostAllAsync(webhook), CancellationToken.None);
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        _grace.CancelAfter(_options.DrainGrace);
        await using CancellationTokenRegistration hurry = cancellationToken.Register(_grace.Cancel);
        await _posting;
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _grace.Cancel();
        _webhook?.Dispose();
    }

    private async Task PostAllAsync(AlertWebhook webhook)
    {
        await foreach (AlertMessage alert in _queue.Reader.ReadAllAsync(CancellationToken.None))
        {
            await SendAsync(webhook, alert, _grace.Token);
            // Here, not where it is dropped: a flood of alerts is not answered with a flood of lines.
            LogDropped();
        }

        _isOver = true;
        LogDropped();
    }

    private async Task SendAsync(AlertWebhook webhook, AlertMessage alert, CancellationToken cancellationToken)
    {
        try
        {
            cancellationToken.ThrowIfCancellationRequested();
            await webhook.PostAsync(alert, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Log.AlertNotSent(_logger, alert.Run, alert.Scope, alert.Metric, webhook.Receiver);
        }
        catch (Exception e)
        {
            Log.AlertGivenUp(_logger, alert.Run, alert.Scope, alert.Metric, webhook.Receiver, e);
        }
    }

    private void LogDropped()
    {
        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var count)
            Log.AlertsDropped(_logger, _webhook!.Receiver, count);
    }
}
