using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Cli.Dashboard;
using Steward.Cli.Rendering;
using Steward.Diagnostics.Tracing;
using Steward.Hosting;
using Steward.OpenTelemetry;

namespace Steward.Cli.Host;

/// <summary>Where commands that work on runs send traces and metrics.</summary>
internal sealed class TelemetryFlags
{
    /// <summary>The preset of the dashboard that <c>steward traces</c> runs.</summary>
    public const string DashboardPreset = "aspire";

    private const string Variable = "STEWARD_TELEMETRY";

    public Option<string?> Preset { get; } = new("--telemetry")
    {
        Description = $"Sends traces and metrics: otlp, langfuse, phoenix, langsmith, helicone, honeycomb, datadog or aspire. Keys come from the environment; {Variable} stands for it.",
        HelpName = "preset",
    };

    public Option<bool> Content { get; } = new("--telemetry-content")
    {
        Description = "Traces also bear messages, arguments and results.",
    };

    public Option<bool> Traces { get; } = new("--traces")
    {
        Description = "Sends traces and metrics to the dashboard that 'steward traces' runs.",
    };

    /// <summary>What the hosts of this process need to know.</summary>
    public Action<StewardBuilder> Tracing(ParseResult parse)
    {
        bool content = parse.GetValue(Content);
        return steward => steward.Services.Configure<TracingOptions>(options => options.Content |= content);
    }

    /// <summary>Begins to send for all hosts of this process; null where nothing was asked for.</summary>
    /// <exception cref="UsageException">No dashboard runs that <c>--traces</c> could send to.</exception>
    public async Task<IDisposable?> StartAsync(ParseResult parse, Output output)
    {
        TelemetryOptions? dashboard = parse.GetValue(Traces) ? await DashboardAsync(CancellationToken.None) : null;
        string? preset = parse.GetValue(Preset) ?? Environment.GetEnvironmentVariable(Variable);
        List<IDisposable> started = [];
        if (!string.IsNullOrWhiteSpace(preset))
            started.Add(Start(preset, new TelemetryOptions(), output));
        if (dashboard is not null)
            started.Add(Start(DashboardPreset, dashboard, output));
        return started.Count > 0 ? new All(started) : null;
    }

    /// <summary>How to send to the dashboard of <c>steward traces</c>, with <see cref="DashboardPreset"/>.</summary>
    /// <exception cref="UsageException">None runs.</exception>
    public static async Task<TelemetryOptions> DashboardAsync(CancellationToken cancellationToken)
    {
        DashboardAddress address = await DashboardAddress.RunningAsync(DashboardCache.Find(), cancellationToken);
        return new TelemetryOptions { Endpoint = address.Endpoint, Headers = { [DashboardAddress.KeyHeader] = address.Key } };
    }

    private static ProcessTelemetry Start(string preset, TelemetryOptions options, Output output)
    {
        bool isNamed = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 };
        options.ServiceName = isNamed ? null : "steward";
        return new ProcessTelemetry(
            preset,
            options,
            LoggerFactory.Create(logging => logging.AddProvider(new StderrLoggerProvider(output, LogLevel.Warning))));
    }

    private sealed class All(IReadOnlyList<IDisposable> started) : IDisposable
    {
        public void Dispose()
        {
            foreach (IDisposable one in started)
                one.Dispose();
        }
    }
}
