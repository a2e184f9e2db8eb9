using System.CommandLine;
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

    /// <summary>Adds what was asked for; null where nothing was.</summary>
    public Action<StewardBuilder>? Read(ParseResult parse)
    {
        string? preset = parse.GetValue(Preset) ?? Environment.GetEnvironmentVariable(Variable);
        if (string.IsNullOrWhiteSpace(preset))
            return null;
        bool content = parse.GetValue(Content);
        return steward => steward.AddTelemetry(preset, options =>
        {
            options.Content = content;
            options.ServiceName = Environment.GetEnvironmentVariable("OTEL_SERVICE_NAME") is { Length: > 0 } ? null : "steward";
        });
    }
}
