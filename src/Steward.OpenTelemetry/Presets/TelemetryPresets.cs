using System.Text;

namespace Steward.OpenTelemetry.Presets;

/// <summary>The back ends that have a name: endpoint, keys and headers as each of them reads them.</summary>
public static class TelemetryPresets
{
    private static readonly Dictionary<string, Func<Variables, TelemetryTarget>> s_presets = new(StringComparer.Ordinal)
    {
        ["otlp"] = Otlp,
        ["langfuse"] = Langfuse,
        ["phoenix"] = Phoenix,
        ["langsmith"] = LangSmith,
        ["helicone"] = Helicone,
        ["honeycomb"] = Honeycomb,
        ["datadog"] = Datadog,
        ["aspire"] = Aspire,
    };

    /// <summary>The names of all presets.</summary>
    public static IReadOnlyCollection<string> Names => s_presets.Keys;

    internal static TelemetryTarget Resolve(string preset, TelemetryOptions options, Func<string, string?> environment)
    {
        options.Check();
        if (!s_presets.TryGetValue(preset, out Func<Variables, TelemetryTarget>? make))
            throw new ArgumentException($"There is no telemetry preset '{preset}'; there are {string.Join(", ", Names)}.");
        TelemetryTarget target = make(new Variables(preset, options, environment));
        if (options.Headers.Count == 0)
            return target;
        var headers = new Dictionary<string, string>(target.Headers, StringComparer.OrdinalIgnoreCase);
        foreach ((string name, string value) in options.Headers)
            headers[name] = value;
        return target with { Headers = headers };
    }

    private static TelemetryTarget Otlp(Variables v)
    {
        Uri root = v.Url("http://localhost:4318", "OTEL_EXPORTER_OTLP_ENDPOINT");
        return new TelemetryTarget(v.Endpoint ?? v.UrlOrNull("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? Under(root, "v1/traces"), v.HeaderList())
        {
            Metrics = v.UrlOrNull("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT") ?? Sibling(v.Endpoint) ?? Under(root, "v1/metrics"),
        };
    }

    private static TelemetryTarget Langfuse(Variables v)
    {
        string keys = $"{v.Require("LANGFUSE_PUBLIC_KEY")}:{v.Require("LANGFUSE_SECRET_KEY")}";
        Uri host = v.Url("https://cloud.langfuse.com", "LANGFUSE_BASE_URL", "LANGFUSE_HOST");
        return new TelemetryTarget(v.Endpoint ?? Under(host, "api/public/otel/v1/traces"), new Dictionary<string, string>
        {
            ["Authorization"] = $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(keys))}",
            ["x-langfuse-ingestion-version"] = "4",
        }) { Describe = BackEndAttributes.Langfuse };
    }

    private static TelemetryTarget Phoenix(Variables v)
    {
        Uri host = v.Url("http://localhost:6006", "PHOENIX_COLLECTOR_ENDPOINT");
        return new TelemetryTarget(v.Endpoint ?? (host.AbsolutePath.EndsWith("/v1/traces", StringComparison.Ordinal) ? host : Under(host, "v1/traces")),
            v.Find("PHOENIX_API_KEY") is { } key ? new Dictionary<string, string> { ["authorization"] = $"Bearer {key}" } : [])
        {
            Resource = v.Find("PHOENIX_PROJECT_NAME") is { } project ? [new("openinference.project.name", project)] : [],
            Describe = BackEndAttributes.Phoenix,
        };
    }

    private static TelemetryTarget LangSmith(Variables v)
    {
        Dictionary<string, string> headers = new() { ["x-api-key"] = v.Require("LANGSMITH_API_KEY") };
        if (v.Find("LANGSMITH_PROJECT") is { } project)
            headers["Langsmith-Project"] = project;
        Uri host = v.Url("https://api.smith.langchain.com", "LANGSMITH_ENDPOINT");
        return new TelemetryTarget(v.Endpoint ?? Under(host, "otel/v1/traces"), headers) { Describe = BackEndAttributes.LangSmith };
    }

    private static TelemetryTarget Helicone(Variables v) => new(
        v.Endpoint ?? new Uri("https://api.helicone.ai/v1/trace/log"),
        new Dictionary<string, string> { ["Authorization"] = $"Bearer {v.Require("HELICONE_API_KEY")}" }) { IsJson = true };

    private static TelemetryTarget Honeycomb(Variables v)
    {
        Uri host = v.Url("https://api.honeycomb.io", "HONEYCOMB_API_ENDPOINT");
        return new TelemetryTarget(
            v.Endpoint ?? Under(host, "v1/traces"), new Dictionary<string, string> { ["x-honeycomb-team"] = v.Require("HONEYCOMB_API_KEY") });
    }

    private static TelemetryTarget Datadog(Variables v) => new(
        v.Endpoint ?? new Uri($"https://otlp.{v.Find("DD_SITE") ?? "datadoghq.com"}/v1/traces"),
        new Dictionary<string, string> { ["dd-api-key"] = v.Require("DD_API_KEY"), ["dd-otlp-source"] = "llmobs" });

    private static TelemetryTarget Aspire(Variables v)
    {
        Uri traces = v.Endpoint ?? Under(v.Url("http://localhost:18890", "ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"), "v1/traces");
        return new TelemetryTarget(
            traces, v.Find("DASHBOARD__OTLP__PRIMARYAPIKEY") is { } key ? new Dictionary<string, string> { ["x-otlp-api-key"] = key } : [])
        {
            Metrics = Sibling(traces),
        };
    }

    private static Uri Under(Uri host, string path) => new($"{host.AbsoluteUri.TrimEnd('/')}/{path}");

    private static Uri? Sibling(Uri? traces) => traces?.AbsolutePath.EndsWith("/v1/traces", StringComparison.Ordinal) == true
        ? new Uri(traces, "metrics")
        : null;

    /// <summary>What the environment says for one preset.</summary>
    private sealed record Variables(string Preset, TelemetryOptions Options, Func<string, string?> Environment)
    {
        public Uri? Endpoint => Options.Endpoint;

        public string? Find(string name) => Environment(name) is { } value && !string.IsNullOrWhiteSpace(value) ? value.Trim() : null;

        public string Require(string name) => Find(name)
            ?? throw new ArgumentException($"The telemetry preset '{Preset}' needs a key: set the environment variable {name}.");

        public Uri? UrlOrNull(params IEnumerable<string> names)
        {
            foreach (string name in names)
            {
                if (Find(name) is not { } text)
                    continue;
                return Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https"
                    ? url
                    : throw new ArgumentException($"The environment variable {name} is '{text}'; it must be an absolute http or https URL.");
            }

            return null;
        }

        public Uri Url(string otherwise, params IEnumerable<string> names) => UrlOrNull(names) ?? new Uri(otherwise);

        public Dictionary<string, string> HeaderList()
        {
            Dictionary<string, string> headers = new(StringComparer.OrdinalIgnoreCase);
            foreach (string name in (string[])["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"])
            {
                string list = Find(name) ?? "";
                foreach (string pair in list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
                {
                    if (pair.Split('=', 2) is not [var key, var value])
                        throw new ArgumentException($"The environment variable {name} must be a list such as key=value,other=value.");
                    headers[key.Trim()] = Uri.UnescapeDataString(value.Trim());
                }
            }

            return headers;
        }
    }
}
