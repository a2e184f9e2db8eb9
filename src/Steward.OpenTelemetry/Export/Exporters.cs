using System.Diagnostics;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using Steward.OpenTelemetry.Presets;

namespace Steward.OpenTelemetry.Export;

/// <summary>Makes the exporter of a target.</summary>
internal static class Exporters
{
    public static BaseExporter<Activity> Of(TelemetryTarget target, TelemetryOptions options) => target.IsJson
        ? new JsonTraceExporter(target, options.Timeout)
        : new OtlpTraceExporter(Options(target, target.Endpoint, options));

    public static OtlpExporterOptions Options(TelemetryTarget target, Uri endpoint, TelemetryOptions options)
    {
        var exporter = new OtlpExporterOptions
        {
            Endpoint = endpoint,
            Protocol = OtlpExportProtocol.HttpProtobuf, // Langfuse speaks no gRPC; every other back end takes both.
            Headers = string.Join(',', target.Headers.Select(h => $"{h.Key}={Uri.EscapeDataString(h.Value)}")),
            TimeoutMilliseconds = (int)options.Timeout.TotalMilliseconds,
        };
        exporter.HttpClientFactory = () => Client(endpoint, options.Timeout);
        return exporter;
    }

    /// <summary>A client that goes to this machine past a proxy of the environment, which is for other machines.</summary>
    public static HttpClient Client(Uri endpoint, TimeSpan timeout) =>
        new(new SocketsHttpHandler { UseProxy = !endpoint.IsLoopback }) { Timeout = timeout };
}
