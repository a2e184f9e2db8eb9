using System.Diagnostics;

namespace Steward.OpenTelemetry.Presets;

/// <summary>A back end with everything that is needed to send to it.</summary>
/// <param name="Endpoint">Where traces are posted.</param>
/// <param name="Headers">The headers, keys included: never logged.</param>
internal sealed record TelemetryTarget(Uri Endpoint, IReadOnlyDictionary<string, string> Headers)
{
    /// <summary>Where metrics are posted; null where the back end takes none.</summary>
    public Uri? Metrics { get; init; }

    /// <summary>Attributes of the resource.</summary>
    public IReadOnlyList<KeyValuePair<string, object>> Resource { get; init; } = [];

    /// <summary>Adds what this back end reads beside the conventions.</summary>
    public Action<Activity>? Describe { get; init; }

    /// <summary>Whether it takes OTLP as JSON only.</summary>
    public bool IsJson { get; init; }
}
