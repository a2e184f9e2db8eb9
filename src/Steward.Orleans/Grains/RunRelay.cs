using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Runs;

namespace Steward.Orleans.Grains;

/// <summary>Carries what this process tells a run (a start, a signal, a decision) to the silo that has it, so that it is heard at once.</summary>
internal sealed class RunRelay(RunHub hub, GrainCalls calls, ILogger<RunRelay> logger) : BackgroundService
{
    private const int Carriers = 16;

    // What does not fit is dropped: it is in the store, and found by the next poll.
    private readonly Channel<RunId> _queue = Channel.CreateBounded<RunId>(new BoundedChannelOptions(4_096) { FullMode = BoundedChannelFullMode.DropOldest });

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        hub.Notified += Take;
        try
        {
            await Task.WhenAll(Enumerable.Range(0, Carriers).Select(_ => Task.Run(() => CarryAsync(stoppingToken), CancellationToken.None)));
        }
        finally
        {
            hub.Notified -= Take;
        }
    }

    private void Take(RunId run) => _queue.Writer.TryWrite(run);

    private async Task CarryAsync(CancellationToken stoppingToken)
    {
        try
        {
            await foreach (RunId run in _queue.Reader.ReadAllAsync(stoppingToken))
                await CarryAsync(run, stoppingToken);
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
            await calls.Of(run).WakeAsync().WaitAsync(stoppingToken);
        }
        catch (Exception e) when (e is not OperationCanceledException || !stoppingToken.IsCancellationRequested)
        {
            // Whatever it was, there or on the way: the signal is in the store.
            Log.NotRelayed(logger, run, e);
        }
    }
}
