using Steward.Diagnostics.Tracing;

namespace Steward.OpenTelemetry;

/// <summary>Where telemetry goes, and what it says.</summary>
public sealed class TelemetryOptions
{
    /// <summary>Where traces are posted, with the path (<c>…/v1/traces</c>).</summary>
    /// <value>Null: the preset's, or what its environment variable says.</value>
    public Uri? Endpoint { get; set; }

    /// <summary>Headers beside those of the preset; one of the same name replaces it.</summary>
    public IDictionary<string, string> Headers { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);

    /// <summary>The name of the service that back ends show.</summary>
    /// <value>Null: <c>OTEL_SERVICE_NAME</c>, or the SDK's own.</value>
    public string? ServiceName { get; set; }

    /// <summary>Whether spans bear messages, arguments and results.</summary>
    /// <value>False. Redaction: <see cref="TracingOptions"/>.</value>
    public bool Content { get; set; }

    /// <summary>The version of the GenAI conventions.</summary>
    /// <value><see cref="GenAIConvention.Core141"/>.</value>
    public GenAIConvention Convention { get; set; } = GenAIConvention.Core141;

    /// <summary>The share of traces that is kept, from 0 to 1; decided by the trace id, alike on every node.</summary>
    /// <value>Null: the application's own sampler, or <c>OTEL_TRACES_SAMPLER</c>.</value>
    public double? SampleRatio { get; set; }

    /// <summary>Most spans that wait to be sent; more are left out and counted.</summary>
    /// <value>2,048; 1 to 1,000,000.</value>
    public int QueueLength { get; set; } = 2_048;

    /// <summary>How long one request may take.</summary>
    /// <value>10 seconds; 100 ms to 5 minutes.</value>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(10);

    internal void Check()
    {
        if (Endpoint is { } url && !(url.IsAbsoluteUri && url.Scheme is "http" or "https"))
            throw new ArgumentException($"TelemetryOptions.Endpoint is '{url}'; it must be an absolute http or https URL.");
        if (SampleRatio is { } ratio && ratio is not (>= 0 and <= 1))
            throw new ArgumentException($"TelemetryOptions.SampleRatio is {ratio}; it must be from 0 to 1.");
        if (QueueLength is < 1 or > 1_000_000)
            throw new ArgumentException($"TelemetryOptions.QueueLength is {QueueLength}; it must be from 1 to 1000000.");
        if (Timeout < TimeSpan.FromMilliseconds(100) || Timeout > TimeSpan.FromMinutes(5))
            throw new ArgumentException($"TelemetryOptions.Timeout is {Timeout}; it must be from 00:00:00.1000000 to 00:05:00.");
    }
}
