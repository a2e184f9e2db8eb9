using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Diagnostics.Tracing;
using Steward.Journal;
using Steward.OpenTelemetry;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward export</c>: recorded runs become traces, as if they had been sent live.</summary>
internal sealed class ExportCommand(CommandContext context)
{
    private const int Attempts = 4;
    private const int MostChildren = 2_000;

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(1);

    private readonly Argument<string[]> _runs = new("run")
    {
        Description = "The runs, by id, the beginning of one, or 'last', with their children; none for all that the filters find.",
        Arity = ArgumentArity.ZeroOrMore,
    };
    private readonly Option<string?> _otlp = CommonOptions.Named<string?>("--otlp", "Posts to this OTLP endpoint (http://localhost:4318/v1/traces).", "url");
    private readonly Option<string?> _preset = CommonOptions.Named<string?>(
        "--preset", "Posts to a back end by its name: langfuse, phoenix, langsmith, helicone, honeycomb, datadog, aspire, otlp. Keys come from the environment.", "name");
    private readonly Option<bool> _traces = CommonOptions.Named<bool>("--traces", "Posts to the dashboard that 'steward traces' runs.");
    private readonly Option<bool> _content = CommonOptions.Named<bool>("--content", "Also messages, arguments and results.");
    private readonly Option<string?> _folder = CommonOptions.Named<string?>("--agent-folder", "The agent's folder whose database is meant; otherwise this one.", "folder");
    private readonly Option<string[]> _status = new("--status")
    {
        Description = "Without runs: only those in these statuses.",
        HelpName = "status",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<string?> _agent = CommonOptions.Named<string?>("--agent", "Without runs: only those of this agent.", "name");
    private readonly Option<string?> _tenant = CommonOptions.Named<string?>("--tenant", "Without runs: only those of this tenant.", "name");
    private readonly Option<string[]> _label = CommonOptions.Label("Without runs: only those that bear this label; several times: all of them.");
    private readonly Option<DateTimeOffset?> _since = CommonOptions.Named<DateTimeOffset?>("--since", "Without runs: only those started at or after this time.", "time");
    private readonly Option<DateTimeOffset?> _until = CommonOptions.Named<DateTimeOffset?>("--until", "Without runs: only those started before this time.", "time");
    private readonly Option<int> _limit = new("--limit") { Description = "Without runs: at most so many, newest first.", HelpName = "count", DefaultValueFactory = _ => 1_000 };

    public static Command Create(CommandContext context) => new ExportCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "export",
            "Send recorded runs to a tracing back end. Sending twice changes nothing: ids derive from the journal.")
        {
            _runs, _otlp, _preset, _traces, _content, _folder, _status, _agent, _tenant, _label, _since, _until, _limit,
        };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        (string preset, TelemetryOptions telemetry) = await TargetAsync(parse, cancellationToken);
        telemetry.ServiceName = "steward";
        var tracing = new TracingOptions { Content = parse.GetValue(_content) };
        await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(_folder), cancellationToken);
        IReadOnlyList<RunInfo> runs = await RunsAsync(store.Store, parse, cancellationToken);
        using var export = new TraceExport(preset, telemetry);
        int sent = 0, spans = 0;
        foreach (RunInfo run in runs)
        {
            List<RunSpan> trace = [];
            await foreach (RunSpan span in RunTraces.ReadAsync(store.Store, run.Run, tracing, cancellationToken))
                trace.Add(span);
            if (!await SendAsync(export, trace, cancellationToken))
                break;
            sent++;
            spans += trace.Count;
            context.Output.Line($"{sent,6} of {runs.Count}  {run.Run}  {Show.Count(trace.Count, "span")}", Styles.Dim);
        }

        return Report(runs, sent, spans, export.Endpoint);
    }

    private int Report(IReadOnlyList<RunInfo> runs, int sent, int spans, Uri endpoint)
    {
        int open = runs.Take(sent).Count(r => !r.Status.IsTerminal());
        context.Output.Document(new JsonObject
        {
            ["runs"] = runs.Count, ["sent"] = sent, ["spans"] = spans, ["open"] = open, ["endpoint"] = endpoint.GetLeftPart(UriPartial.Path),
        });
        if (sent < runs.Count)
        {
            context.Output.Error(
                $"{endpoint.GetLeftPart(UriPartial.Path)} did not take run {runs[sent].Run}: {sent} of {runs.Count} runs were sent. Run the same command again once it answers: what was sent does not change.");
            return ExitCodes.Failed;
        }

        context.Output.Line(runs.Count == 0 ? "No runs." : $"Sent {Show.Count(sent, "run")} with {Show.Count(spans, "span")}.", Styles.Good);
        if (open > 0)
            context.Output.Line($"{Show.Count(open, "run")} had not ended: their own spans can be sent once they have.");
        return ExitCodes.Ok;
    }

    private async Task<(string Preset, TelemetryOptions Options)> TargetAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string? url = parse.GetValue(_otlp), preset = parse.GetValue(_preset);
        if (parse.GetValue(_traces))
        {
            return url is null && preset is null
                ? (TelemetryFlags.DashboardPreset, await TelemetryFlags.DashboardAsync(cancellationToken))
                : throw new UsageException("--traces names the place already. Leave out --preset and --otlp.");
        }

        if (url is null && preset is null)
            throw new UsageException("Say where to: --traces, --preset NAME, or --otlp URL.");
        if (url is null)
            return (preset!, new TelemetryOptions());
        return Uri.TryCreate(url, UriKind.Absolute, out Uri? endpoint) && endpoint.Scheme is "http" or "https"
            ? (preset ?? "otlp", new TelemetryOptions { Endpoint = endpoint })
            : throw new UsageException($"--otlp '{url}' is not an absolute http or https URL. Write one such as http://localhost:4318/v1/traces.");
    }

    private async Task<bool> SendAsync(TraceExport export, List<RunSpan> trace, CancellationToken cancellationToken)
    {
        TimeSpan pause = s_pause;
        for (int attempt = 1; ; attempt++)
        {
            if (export.Send(trace))
                return true;
            if (attempt == Attempts)
                return false;
            await Task.Delay(pause, context.Time, cancellationToken);
            pause += pause;
        }
    }

    private async Task<IReadOnlyList<RunInfo>> RunsAsync(IRunStore store, ParseResult parse, CancellationToken cancellationToken)
    {
        if (parse.GetValue(_runs) is { Length: > 0 } named)
        {
            List<RunInfo> family = [];
            foreach (string name in named)
                family.Add(await RunFinder.FindAsync(store, name, cancellationToken: cancellationToken));
            for (int i = 0; i < family.Count; i++)
                family.AddRange(await store.FindAsync(new RunQuery { Parent = family[i].Run, Limit = MostChildren }, cancellationToken));
            return [.. family.DistinctBy(r => r.Run)];
        }

        var query = new RunQuery
        {
            Agent = parse.GetValue(_agent),
            Tenant = parse.GetValue(_tenant),
            Labels = CommonOptions.Labels(parse, _label),
            Limit = parse.GetValue(_limit) is > 0 and var most ? most : throw new UsageException("--limit must be above 0."),
            Statuses = parse.GetValue(_status) is { Length: > 0 } names
                ? [.. names.SelectMany(n => n.Split(',')).Select(RunStatusExtensions.Parse)]
                : null,
        };
        DateTimeOffset? since = parse.GetValue(_since), until = parse.GetValue(_until);
        return [.. (await store.FindAsync(query, cancellationToken)).Where(r => !(r.CreatedAt < since) && !(r.CreatedAt >= until))];
    }
}
