using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using Steward.Diagnostics.Tracing;
using Steward.OpenTelemetry.Export;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry;

/// <summary>Sends the spans of recorded runs to a back end. Ids derive from the journal, so sending twice changes nothing.</summary>
/// <remarks>It needs no running worker. One caller at a time.</remarks>
public sealed class TraceExport : IDisposable
{
    private const int MostInOneRequest = 512;

    private readonly SpanSource _source = new();
    private readonly Collector _collector;
    private readonly TracerProvider _provider;

    /// <summary>Prepares the way to a back end.</summary>
    /// <exception cref="ArgumentException">There is no such preset, or one of its environment variables is missing; the message names it.</exception>
    public TraceExport(string preset, TelemetryOptions? options = null)
        : this(preset, options ?? new TelemetryOptions(), Environment.GetEnvironmentVariable)
    {
    }

    internal TraceExport(string preset, TelemetryOptions options, Func<string, string?> environment)
    {
        TelemetryTarget target = TelemetryPresets.Resolve(preset, options, environment);
        Endpoint = target.Endpoint;
        _collector = new Collector(Exporters.Of(target, options));
        TracerProviderBuilder builder = Sdk.CreateTracerProviderBuilder()
            .AddSource(SpanSource.Name)
            .SetSampler(new AlwaysOnSampler())
            .ConfigureResource(resource => Resources.Describe(resource, target, options));
        if (target.Describe is { } describe)
            builder.AddProcessor(new BackEndProcessor(describe));
        _provider = builder.AddProcessor(_collector).Build();
    }

    /// <summary>Where the spans are posted.</summary>
    public Uri Endpoint { get; }

    /// <summary>Sends spans; returns when the back end has answered.</summary>
    /// <returns>False when it took some of them not.</returns>
    public bool Send(IReadOnlyList<RunSpan> spans)
    {
        ArgumentNullException.ThrowIfNull(spans);
        bool taken = true;
        foreach (RunSpan[] part in spans.Chunk(MostInOneRequest))
            taken &= _collector.Send(() => Array.ForEach(part, span => _source.Write(span)));
        return taken;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _provider.Dispose();
        _source.Dispose();
    }

    /// <summary>Keeps the spans that are written meanwhile, and sends them in one request.</summary>
    private sealed class Collector(BaseExporter<Activity> exporter) : BaseExportProcessor<Activity>(exporter)
    {
        private readonly List<Activity> _spans = [];
        private int _thread;

        public bool Send(Action write)
        {
            _thread = Environment.CurrentManagedThreadId;
            write();
            _thread = 0;
            Activity[] spans = [.. _spans];
            _spans.Clear();
            return spans.Length == 0 || exporter.Export(new Batch<Activity>(spans, spans.Length)) == ExportResult.Success;
        }

        /// <remarks>Others may trace in this process: theirs is not what is sent here.</remarks>
        protected override void OnExport(Activity data)
        {
            if (_thread == Environment.CurrentManagedThreadId)
                _spans.Add(data);
        }
    }
}
