using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Trace;
using Steward.OpenTelemetry.Export;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry;

/// <summary>Sends what a whole process traces and measures, where several
/// hosts share it: each of them would hear the others' spans.</summary>
/// <remarks>Start it before the hosts, and dispose it after them: it then sends what is left.</remarks>
public sealed class ProcessTelemetry : IDisposable
{
    private readonly TracerProvider _traces;
    private readonly MeterProvider _metrics;

    /// <summary>Begins to send to a back end.</summary>
    /// <exception cref="ArgumentException">There is no such preset, or one of its environment variables is missing; the message names it.</exception>
    public ProcessTelemetry(string preset, TelemetryOptions? options = null, ILoggerFactory? loggers = null)
    {
        options ??= new TelemetryOptions();
        var pipeline = new Pipeline(preset, TelemetryPresets.Resolve(preset, options, Environment.GetEnvironmentVariable), options);
        TracerProviderBuilder tracing = Sdk.CreateTracerProviderBuilder()
            .ConfigureResource(resource => Resources.Describe(resource, pipeline.Target, options));
        if (loggers is not null)
            tracing.ConfigureServices(services => services.AddSingleton(loggers));
        pipeline.Trace(tracing);
        _traces = tracing.Build();
        MeterProviderBuilder metrics = Sdk.CreateMeterProviderBuilder()
            .ConfigureResource(resource => Resources.Describe(resource, pipeline.Target, options));
        pipeline.Measure(metrics);
        _metrics = metrics.Build();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _traces.Dispose();
        _metrics.Dispose();
    }
}
