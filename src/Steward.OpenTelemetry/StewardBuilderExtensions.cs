using Microsoft.Extensions.DependencyInjection;
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
        var pipeline = new Pipeline(preset, TelemetryPresets.Resolve(preset, options, Environment.GetEnvironmentVariable), options);
        builder.Services.Configure<TracingOptions>(tracing =>
        {
            tracing.Content |= options.Content;
            if (options.Convention != GenAIConvention.Core141)
                tracing.Convention = options.Convention;
        });
        builder.Services.AddOpenTelemetry()
            .ConfigureResource(resource => Resources.Describe(resource, pipeline.Target, options))
            .WithTracing(pipeline.Trace)
            .WithMetrics(pipeline.Measure);
        return builder;
    }
}
