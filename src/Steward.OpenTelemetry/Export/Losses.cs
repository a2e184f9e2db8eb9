using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace Steward.OpenTelemetry.Export;

/// <summary>Counts spans that no back end has, and says so once a minute at most.</summary>
internal sealed partial class Losses : IDisposable
{
    private static readonly TimeSpan s_every = TimeSpan.FromMinutes(1);

    private readonly Meter _meter;
    private readonly Counter<long> _counter;
    private readonly string _preset;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Lock _lock = new();
    private DateTimeOffset _said;
    private long _total;

    public Losses(string preset, IMeterFactory? meters, TimeProvider time, ILogger logger)
    {
        _preset = preset;
        _time = time;
        _logger = logger;
        var options = new MeterOptions("Steward.OpenTelemetry");
        _meter = meters?.Create(options) ?? new Meter(options);
        _counter = _meter.CreateCounter<long>("steward.telemetry.spans.dropped", "{span}", "Spans that a back end did not take, or that had no place in the queue.");
    }

    public long Total => Interlocked.Read(ref _total);

    public void Add(int spans)
    {
        _counter.Add(spans, new KeyValuePair<string, object?>("steward.telemetry.preset", _preset));
        long total = Interlocked.Add(ref _total, spans);
        lock (_lock)
        {
            DateTimeOffset now = _time.GetUtcNow();
            if (now - _said < s_every)
                return;
            _said = now;
        }

        SpansDropped(_logger, _preset, total);
    }

    public void Dispose() => _meter.Dispose();

    [LoggerMessage(50, LogLevel.Warning, "Telemetry '{Preset}': {Count} spans were not taken so far; no run is affected. Export the runs once the back end is there")]
    private static partial void SpansDropped(ILogger logger, string preset, long count);
}
