using System.CommandLine;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Steward.Cli.Rendering;
using Steward.Diagnostics.Tracing;
using Steward.Hosting;
using Steward.OpenTelemetry;

namespace Steward.Cli.Host;

/// <summary>Where commands that work on runs send traces and metrics.</summary>
internal sealed class TelemetryFlags
{
    private const string Variable = "STEWARD_TELEMETRY";

    public Option<string?> Preset { get; } = new("--telemetry")
    {
        Description = $"Sends traces and metrics: otlp, langfuse, phoenix, langsmith, helicone, honeycomb or datadog. Keys come from the environment; {Variable} stands for it.",
        HelpName = "preset",
    };

    public Option<bool> Content { get; } = new("--telemetry-content")
    {
        Description = "Traces also bear messages, arguments and results.",
    };

    /// <summary>What the hosts of this process need to know.</summary>
    public Action<StewardBuilder> Tracing(ParseResult parse)
    {
        bool content = parse.GetValue(Content);
        return steward => steward.Services.Configure<TracingOptions>(options => options.Content |= content);
    }

    /// <summary>Begins to send for all hosts of this process; null where nothing was asked for.</summary>
    public IDisposable? Start(ParseResult parse, Output output)
    {
        string? preset = parse.GetValue(Preset) ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(preset))
            return null;
        bool isNamed = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 };
        return new ProcessTelemetry(
            preset,
            new TelemetryOptions { ServiceName = isNamed ? null : "steward" },
            LoggerFactory.Create(logging => logging.AddProvider(new StderrLoggerProvider(output, LogLevel.Warning))));
    }
}
