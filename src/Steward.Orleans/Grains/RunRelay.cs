using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Engine;
using Steward.Journal;

namespace Steward.Orleans.Grains;

/// <summary>Carries what this process tells a run (a start, a signal, a decision) to the run's silo at once. What concerns many runs (a
/// kill switch) goes to all silos.</summary>
internal sealed class RunRelay : BackgroundService
{
    private const int Carriers = 16;

    private readonly RunHub _hub;
    private readonly GrainCalls _calls;
    private readonly ILogger<RunRelay> _logger;

    // What does not fit is dropped: it is in the store, and found by the next poll.
    private readonly Channel<RunId?> _queue = Channel.CreateBounded<RunId?>(
        new BoundedChannelOptions(4_096) { FullMode = BoundedChannelFullMode.DropOldest });

    public RunRelay(RunHub hub, GrainCalls calls, ILogger<RunRelay> logger)
    {
        _hub = hub;
        _calls = calls;
        _logger = logger;

        // From here on, not from when the host gets round to it: what is said between the two would be carried by nobody.
        _hub.Notified += Take;
    }

    public override void Dispose()
    {
        _hub.Notified -= Take;
        base.Dispose();
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        Task.WhenAll(Enumerable.Range(0, Carriers).Select(_ => Task.Run(() => CarryAllAsync(stoppingToken), CancellationToken.None)));

    private void Take(RunId? run) => _queue.Writer.TryWrite(run);

    private async Task CarryAllAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (RunId? run in _queue.Reader.ReadAllAsync(stoppingToken))
            {
                if (run is { } one)
                    await CarryAsync(one, stoppingToken);
                else
                    await TellAllAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // The rest is found by polling.
        }
    }

    private async Task CarryAsync(RunId run, CancellationToken stoppingToken)
    {
        try
        {
            if (await _calls.Of(run).WakeAsync().WaitAsync(stoppingToken) == WakeResult.Moved)
                await _calls.Of(run).WakeAsync().WaitAsync(stoppingToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            // Whatever it was, there or on the way: the signal is in the store.
            Log.NotRelayed(_logger, run, e);
        }
    }

    private async Task TellAllAsync(CancellationToken stoppingToken)
    {
        try
        {
            await _calls.EverySilo.LookAsync().WaitAsync(stoppingToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            Log.NoneTold(_logger, e);
        }
    }
}
