using System.CommandLine;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Steward.Cli.Dashboard;
using Steward.Cli.Host;
using Steward.Cli.Rendering;

namespace Steward.Cli.Commands;

/// <summary><c>steward traces</c>: a dashboard on this machine for what <c>--traces</c> sends.</summary>
internal sealed class TracesCommand(CommandContext context)
{
    private const int SecretLength = 32;

    private readonly Option<int> _port = new("--port")
    {
        Description = "The port of its page, on 127.0.0.1.",
        HelpName = "port",
        DefaultValueFactory = _ => DashboardPorts.DefaultPage,
    };
    private readonly Option<int?> _otlpPort = CommonOptions.Named<int?>(
        "--otlp-port",
        "The port that takes traces, on 127.0.0.1; otherwise 2 above the page's.",
        "port");

    public static Command Create(CommandContext context) => new TracesCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "traces",
            "Look at traces: starts the Aspire dashboard here, for what 'steward run | chat | work | serve --traces' sends. Ctrl-C ends it.") { _port, _otlpPort };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        DashboardPlatform.Check();
        var cache = DashboardCache.Find();
        if (DashboardAddress.Read(cache) is { } other && await other.AnswersAsync(cancellationToken))
            throw new UsageException($"A dashboard runs already: {other.Page}");
        var ports = DashboardPorts.Choose(parse.GetValue(_port), parse.GetValue(_otlpPort));
        if (!File.Exists(cache.Program))
        {
            context.Output.ErrorLine($"fetching {DashboardPackage.Name} {DashboardPackage.Version} (MIT, about 40 MB) into {cache.VersionFolder}, once");
            await DashboardPackage.FetchAsync(cache, cancellationToken);
        }

        string token = RandomNumberGenerator.GetHexString(SecretLength, lowercase: true);
        string key = RandomNumberGenerator.GetHexString(SecretLength, lowercase: true);
        var address = new DashboardAddress(
            new Uri($"http://127.0.0.1:{ports.Page}/login?t={token}"), new Uri($"http://127.0.0.1:{ports.Otlp}/v1/traces"), key);
        await using var dashboard = DashboardProcess.Start(cache, ports, token, key, context.Time);
        await dashboard.ReadyAsync(address, cancellationToken);
        address.Write(cache);
        try
        {
            Say(address);
            return await UntilStoppedAsync(dashboard, cancellationToken);
        }
        finally
        {
            address.Remove(cache);
        }
    }

    private void Say(DashboardAddress address)
    {
        context.Output.Line($"traces at {address.Page}", Styles.Bold);
        context.Output.Line("Send to it from another terminal: steward run AGENT --traces (chat, work, serve and export, too). Ctrl-C ends it.");
        context.Output.Line("It keeps what it was sent in memory; 'steward export RUN --traces' sends a recorded run again.", Styles.Dim);
        context.Output.JsonLine(new JsonObject
        {
            ["type"] = "traces", ["page"] = address.Page.AbsoluteUri, ["endpoint"] = address.Endpoint.AbsoluteUri,
        });
    }

    private async Task<int> UntilStoppedAsync(DashboardProcess dashboard, CancellationToken cancellationToken)
    {
        try
        {
            string end = await dashboard.EndAsync(cancellationToken);
            cancellationToken.ThrowIfCancellationRequested(); // Ctrl-C on a terminal reaches both at once.
            context.Output.Error($"The dashboard has ended: {end}");
            return ExitCodes.Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCodes.Ok;
        }
    }
}
