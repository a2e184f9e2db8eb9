using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative;
using Steward.Journal;
using Steward.State;
using Steward.TimeTravel;

namespace Steward.Cli.Commands;

/// <summary><c>steward replay</c>: today's code on what was recorded, without any effect.</summary>
internal sealed class ReplayCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "The folder of the definition to replay with; otherwise that of this folder.",
        "folder");

    public static Command Create(CommandContext context) => new ReplayCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "replay",
            "Run today's code on a recorded run without any effect, and say where they part. Exit code 1 when they do.") { _run, _agent };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string folder = AgentChoice.Folder(parse.GetValue(_agent))
            ?? throw new UsageException("Say with which definition to replay: --agent FOLDER, or go into the agent's folder.");
        await using OpenRun run = await context.OpenRunAsync(parse, _run, folder, cancellationToken);
        RunState state = await RunJournal.LoadAsync(run.Store, run.Info.Run, cancellationToken);
        AgentFile file = AgentChoice.Load(context, folder, state.Started.DefinitionHash);
        bool isOther = file.Agent.Hash != state.Started.DefinitionHash;
        await using AgentHost host = AgentHost.Create(file, run.Store, context.Output, context.Time);
        ReplayReport report = await host.Client.ReplayAsync(
            run.Info.Run,
            new ReplayRequest { Agent = isOther || await WasMovedAsync(run, cancellationToken) ? file.Agent : null },
            cancellationToken);
        Write(report, file, isOther);
        return report.Divergence is null ? ExitCodes.Ok : ExitCodes.Failed;
    }

    /// <summary>Whether the run was on other versions before, which are not in the folder any more.</summary>
    private static async Task<bool> WasMovedAsync(OpenRun run, CancellationToken cancellationToken)
    {
        await foreach (JournalEntry entry in run.Store.ReadAsync(run.Info.Run, 0, cancellationToken))
        {
            if (entry.Event is RunMigrated)
                return true;
        }

        return false;
    }

    private void Write(ReplayReport report, AgentFile file, bool isOther)
    {
        context.Output.Document(new JsonObject
        {
            ["run"] = report.Run.ToString(),
            ["agent_version"] = file.Agent.Version,
            ["definition"] = isOther ? "other" : "recorded",
            ["recorded"] = report.Recorded,
            ["matched"] = report.Matched,
            ["divergence"] = report.Divergence is { } d
                ? new JsonObject { ["sequence"] = d.Sequence, ["expected"] = d.Expected, ["actual"] = d.Actual }
                : null,
        });
        string with = isOther
            ? $"with another definition than the recorded one ({file.Agent.Name} version {file.Agent.Version})"
            : "with the recorded definition";
        if (report.Divergence is not { } divergence)
        {
            context.Output.Line(
                $"No divergence: {Show.Count(report.Matched, "event")} came out as recorded, {with}. Nothing was called.", Styles.Good);
            return;
        }

        context.Output.Line($"Diverges at sequence {divergence.Sequence} of {report.Recorded}, {with}. Nothing was called.", Styles.Bad);
        context.Output.Line($"  recorded: {divergence.Expected}");
        context.Output.Line($"  now:      {divergence.Actual}");
    }
}
