using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Engine;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward cancel</c>: asks a run to stop; ends it here when no worker holds it.</summary>
/// <remarks>Ending a run takes neither its model nor its tools, so that its agent need not be loaded.</remarks>
internal sealed class CancelCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
    private readonly Option<string?> _reason = CommonOptions.Named<string?>("--reason", "Why; it stands in the journal.", "text");
    private readonly Option<string?> _by = CommonOptions.By();
    private readonly Option<double> _wait = new("--wait")
    {
        Description = "Seconds to wait for the run to end.",
        HelpName = "seconds",
        DefaultValueFactory = _ => 15,
    };

    public static Command Create(CommandContext context) => new CancelCommand(context).Create();

    private Command Create()
    {
        var command = new Command("cancel", "Cancel a run.") { _run, _folder, _reason, _by, _wait };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        await using OpenRun run = await context.OpenRunAsync(parse, _run, parse.GetValue(_folder), cancellationToken);
        RunInfo info = run.Info;
        await using AgentHost host = AgentHost.Create(null, run.Store, context.Output, context.Time);
        SignalResult sent = await host.Client.Get(info.Run).CancelAsync(
            parse.GetValue(_by) ?? CommandContext.Operator, parse.GetValue(_reason), cancellationToken: cancellationToken);
        if (sent == SignalResult.RunEnded)
            return Report(
                info,
                $"Run {info.Run} has ended already: {info.Status.Name()} ({info.Reason}).",
                info.Status == RunStatus.Cancelled ? ExitCodes.Ok : ExitCodes.Failed);

        host.RootRun = info.Run;
        await host.StartWorkerAsync();
        info = await WaitAsync(host, info, TimeSpan.FromSeconds(Math.Clamp(parse.GetValue(_wait), 0, 3_600)), cancellationToken);
        await host.StopWorkerAsync();
        return info.Status switch
        {
            RunStatus.Cancelled => Report(info, $"Run {info.Run} is cancelled.", ExitCodes.Ok),
            RunStatus.Completed or RunStatus.Failed =>
                Report(info, $"Run {info.Run} ended before the cancel reached it: {info.Status.Name()} ({info.Reason}).", ExitCodes.Failed),
            _ => Report(
                info,
                $"Run {info.Run} is told to stop. {(info.Worker is { } worker ? $"'{worker}' holds it and ends it" : "The next worker ends it")} as soon as its action in hand lets it; if that worker has died, the next one does.",
                ExitCodes.Ok),
        };
    }

    private async Task<RunInfo> WaitAsync(AgentHost host, RunInfo info, TimeSpan patience, CancellationToken cancellationToken)
    {
        long start = context.Time.GetTimestamp();
        while (!info.Status.IsTerminal() && context.Time.GetElapsedTime(start) < patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), context.Time, cancellationToken);
            info = (await host.Store.FindAsync(new RunQuery { Run = info.Run, Limit = 1 }, cancellationToken))[0];
        }

        return info;
    }

    private int Report(RunInfo info, string text, int code)
    {
        context.Output.Line(text, code == ExitCodes.Ok ? Styles.Good : Styles.Warn);
        context.Output.Document(
            new JsonObject { ["run"] = Documents.Of(info), ["cancelled"] = info.Status == RunStatus.Cancelled, ["message"] = text });
        return code;
    }
}
