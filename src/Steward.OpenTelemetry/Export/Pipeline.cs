using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Steward.Diagnostics.Tracing;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry.Export;

/// <summary>What one preset adds to a pipeline of traces, and to one of metrics.</summary>
internal sealed record Pipeline(string Preset, TelemetryTarget Target, TelemetryOptions Options)
{
    public void Trace(TracerProviderBuilder tracing)
    {
        tracing.AddSource(SpanSource.Name);
        if (Options.SampleRatio is { } ratio)
            tracing.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio)));
        if (Target.Describe is { } describe)
            tracing.AddProcessor(new BackEndProcessor(describe));
        BaseExporter<Activity> exporter = Exporters.Of(Target, Options);
        tracing.AddProcessor(services => new BoundedProcessor(
            exporter,
            new Losses(
                Preset,
                services.GetService<IMeterFactory>(),
                services.GetService<TimeProvider>() ?? TimeProvider.System,
                services.GetService<ILoggerFactory>()?.CreateLogger("Steward.OpenTelemetry") ?? NullLogger.Instance),
            Options));
        tracing.AddProcessor(new ResourceBinding(exporter));
    }

    public void Measure(MeterProviderBuilder metrics)
    {
        metrics.AddMeter("Steward", "Steward.OpenTelemetry");
        if (Target.Metrics is { } endpoint)
            metrics.AddReader(new PeriodicExportingMetricReader(new OtlpMetricExporter(Exporters.Options(Target, endpoint, Options))));
    }
}
