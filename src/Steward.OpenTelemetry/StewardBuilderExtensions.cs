using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using OpenTelemetry.Exporter;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Steward.Diagnostics.Tracing;
using Steward.Hosting;
using Steward.OpenTelemetry.Export;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry;

/// <summary>Sends traces and metrics of Steward to a back end.</summary>
public static class StewardBuilderExtensions
{
    /// <summary>Sends to a back end by its name; may be called for several.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="preset">One of <see cref="TelemetryPresets.Names"/>, for example <c>langfuse</c>. Keys come from the environment.</param>
    /// <param name="configure">Endpoint, headers, content, sampling.</param>
    /// <exception cref="ArgumentException">There is no such preset, or one of its environment variables is missing; the message names it.</exception>
    /// <remarks>Adds to the application's OpenTelemetry; its samplers, processors and exporters stay.</remarks>
    public static StewardBuilder AddTelemetry(this StewardBuilder builder, string preset, Action<TelemetryOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(preset);
        var options = new TelemetryOptions();
        configure?.Invoke(options);
        TelemetryTarget target = TelemetryPresets.Resolve(preset, options, Environment.GetEnvironmentVariable);
        builder.Services.Configure<TracingOptions>(tracing =>
        {
            tracing.Content |= options.Content;
            if (options.Convention != GenAIConvention.V1_41)
                tracing.Convention = options.Convention;
        });
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Resources.Describe(resource, target, options))
            .WithTracing(tracing => Trace(tracing, preset, target, options))
            .WithMetrics(metrics => Measure(metrics, target, options));
        return builder;
    }

    private static void Trace(TracerProviderBuilder tracing, string preset, TelemetryTarget target, TelemetryOptions options)
    {
        tracing.AddSource(SpanSource.Name);
        if (options.SampleRatio is { } ratio)
            tracing.SetSampler(new ParentBasedSampler(new TraceIdRatioBasedSampler(ratio)));
        if (target.Describe is { } describe)
            tracing.AddProcessor(new BackEndProcessor(describe));
        tracing.AddProcessor(services => new BoundedProcessor(
            Exporters.Of(target, options),
            new Losses(
                preset,
                services.GetService<IMeterFactory>(),
                services.GetService<TimeProvider>() ?? TimeProvider.System,
                services.GetService<ILoggerFactory>()?.CreateLogger("Steward.OpenTelemetry") ?? NullLogger.Instance),
            options));
    }

    private static void Measure(MeterProviderBuilder metrics, TelemetryTarget target, TelemetryOptions options)
    {
        metrics.AddMeter("Steward", "Steward.OpenTelemetry");
        if (target.Metrics is not { } endpoint)
            return;
        OtlpExporterOptions exporter = Exporters.Options(target, endpoint, options);
        metrics.AddReader(new PeriodicExportingMetricReader(new OtlpMetricExporter(exporter)));
    }
}
