using System.Diagnostics.Metrics;
using System.Threading.Channels;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Diagnostics.Tracing;

/// <summary>Maps what this process commits to spans, beside the runs: a full queue or a slow listener never holds one up.</summary>
/// <remarks>
/// A run that comes here in the middle (after a wait, a crash, another node) is read from the store once, so that its open spans are
/// known; what was closed before is not given out again.
/// </remarks>
internal sealed class TraceObserver : IRunObserver, IHostedService, IDisposable
{
    private const int MostRuns = 10_000;

    private static readonly TimeSpan s_reportEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(10);

    private readonly Channel<(RunId Run, IReadOnlyList<JournalEntry> Entries)> _queue;
    private readonly Dictionary<RunId, RunTrace> _traces = [];
    private readonly SpanSource _source;
    private readonly EffectActivities _effects;
    private readonly Func<IRunStore> _store;
    private readonly TracingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Counter<long> _dropped;
    private readonly Lock _lock = new();
    private Task? _work;
    private DateTimeOffset _reported;
    private long _lost;

    public TraceObserver(
        SpanSource source,
        EffectActivities effects,
        Func<IRunStore> store,
        TracingOptions options,
        StewardMeter meter,
        TimeProvider time,
        ILogger logger)
    {
        options.Check();
        _source = source;
        _effects = effects;
        _store = store;
        _options = options;
        _time = time;
        _logger = logger;
        _dropped = meter.TelemetryDropped;
        _queue = Channel.CreateBounded<(RunId, IReadOnlyList<JournalEntry>)>(
            new BoundedChannelOptions(options.QueueLength) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    }

    public void Committed(RunState state, IReadOnlyList<JournalEntry> entries)
    {
        if (!_source.HasListeners)
            return;
        if (_work is null)
            Begin();
        _effects.Committed(entries);
        if (!_queue.Writer.TryWrite((state.Run, entries)))
            Lost(entries.Count);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Maps what is queued, for a few seconds at most.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        if (_work is not { } work)
            return;
        try
        {
            await work.WaitAsync(s_drain, _time, cancellationToken);
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            Lost(_queue.Reader.Count);
        }
    }

    public void Dispose() => _queue.Writer.TryComplete();

    private void Begin()
    {
        lock (_lock)
        {
            if (_work is not null)
                return;
            if (!ActivityIds.IsSupported)
                Log.SpanIdsNotSupported(_logger);
            _work = Task.Run(WorkAsync);
        }
    }

    private async Task WorkAsync()
    {
        await foreach ((RunId run, IReadOnlyList<JournalEntry> entries) in _queue.Reader.ReadAllAsync(CancellationToken.None))
        {
            try
            {
                await MapAsync(run, entries);
            }
            catch (Exception e)
            {
                _traces.Remove(run);
                Log.TraceFailed(_logger, run, e);
                Lost(entries.Count);
            }
        }
    }

    private async ValueTask MapAsync(RunId run, IReadOnlyList<JournalEntry> entries)
    {
        RunTrace trace = await TraceOfAsync(run, entries[0].Sequence);
        foreach (JournalEntry entry in entries)
        {
            foreach (RunSpan span in trace.Apply(entry))
                _source.Write(span, _effects.Take(span.SpanId));
        }

        // Who waits keeps nothing here: whoever goes on with the run reads it again.
        if (entries[^1].Event is RunCompleted or RunFailed or RunCancelled or StateChanged { To: RunStatus.Awaiting })
            _traces.Remove(run);
    }

    /// <summary>The trace as it stands before a sequence.</summary>
    private async ValueTask<RunTrace> TraceOfAsync(RunId run, long next)
    {
        if (!_traces.TryGetValue(run, out RunTrace? trace) || trace.Sequence >= next)
        {
            if (_traces.Count >= MostRuns)
                _traces.Clear(); // Runs that other workers went on with are among them.
            _traces[run] = trace = new RunTrace(run, _options);
        }

        if (trace.Sequence + 1 == next)
            return trace;
        await foreach (JournalEntry entry in _store().ReadAsync(run, trace.Sequence))
        {
            if (entry.Sequence >= next)
                break;
            trace.Apply(entry);
        }

        return trace;
    }

    /// <summary>Counted at once, and said once a minute at most.</summary>
    private void Lost(int entries)
    {
        _dropped.Add(entries);
        long lost = Interlocked.Add(ref _lost, entries);
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (now - _reported < s_reportEvery)
                return;
            _reported = now;
        }

        Log.TelemetryDropped(_logger, lost);
    }
}
