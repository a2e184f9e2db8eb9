using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative;
using Steward.Storage;
using Steward.TimeTravel;

namespace Steward.Cli.Commands;

/// <summary><c>steward migrate</c>: moves a run to another version of its agent.</summary>
internal sealed class MigrateCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Option<string?> _to = CommonOptions.Named<string?>(
        "--to",
        "The version that is meant; otherwise that of the folder.",
        "version");
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "The folder with the new definition; otherwise this one.",
        "folder");
    private readonly Option<bool> _dryRun = CommonOptions.Named<bool>("--dry-run", "Only show what changes and what stands in the way.");
    private readonly Option<string?> _note = CommonOptions.Named<string?>("--note", "Why; it stands in the journal.", "text");
    private readonly Option<string?> _by = CommonOptions.By();
    private readonly Option<bool> _scripted = CommonOptions.Scripted();

    public static Command Create(CommandContext context) => new MigrateCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "migrate",
            "Move a run to another version of its agent; with --dry-run, show what that would change. Exit code 1 when something stands in the way.")
        {
            _run, _to, _agent, _dryRun, _note, _by, _scripted,
        };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string folder = AgentChoice.Folder(parse.GetValue(_agent))
            ?? throw new UsageException("Say where the new definition is: --agent FOLDER, or go into the agent's folder.");
        AgentFile file = AgentFile.Load(folder, new AgentFileOptions { Scripted = parse.GetValue(_scripted), Time = context.Time });
        await using OpenRun run = await context.OpenRunAsync(parse, _run, folder, cancellationToken);
        await using AgentHost host = AgentHost.Create(file, run.Store, context.Output, context.Time);
        var request = new MigrationRequest
        {
            AgentVersion = parse.GetValue(_to),
            By = parse.GetValue(_by) ?? CommandContext.Operator,
            Note = parse.GetValue(_note),
            DryRun = parse.GetValue(_dryRun),
        };
        MigrationReport report;
        try
        {
            await host.Store.PutAsync(new Storage.Blob(file.Agent.Hash, file.Agent.Json), cancellationToken);
            report = await host.Client.MigrateAsync(run.Info.Run, request, cancellationToken);
        }
        catch (MigrationBlockedException e)
        {
            report = e.Report;
        }

        Write(report, new Hints(folder, parse.GetValue(CommonOptions.Store), report.Run));
        return report.Blockers.Count == 0 ? ExitCodes.Ok : ExitCodes.Failed;
    }

    private void Write(MigrationReport report, Hints hints)
    {
        context.Output.Document(new JsonObject
        {
            ["run"] = report.Run.ToString(),
            ["agent"] = report.Agent,
            ["from"] = new JsonObject { ["version"] = report.FromVersion, ["hash"] = report.FromHash },
            ["to"] = new JsonObject { ["version"] = report.ToVersion, ["hash"] = report.ToHash },
            ["changes"] = new JsonArray([.. report.Changes.Select(c => (JsonNode)new JsonObject { ["subject"] = c.Subject, ["text"] = c.Text })]),
            ["blockers"] = new JsonArray([.. report.Blockers.Select(b => (JsonNode)JsonValue.Create(b))]),
            ["sent"] = report.IsSent,
        });
        context.Output.Line(
            $"run {report.Run}: {report.Agent} version {report.FromVersion} ({report.FromHash[..12]}) → {report.ToVersion} ({report.ToHash?[..12] ?? "not loaded"})",
            Styles.Bold);
        foreach (MigrationChange change in report.Changes)
            context.Output.Line($"  {change.Subject}: {change.Text}");
        foreach (string blocker in report.Blockers)
            context.Output.Line($"  in the way: {blocker}", Styles.Bad);
        if (report.IsThereAlready)
            context.Output.Line("It is on that very definition already.");
        else if (report.IsSent)
            context.Output.Line(
                $"It moves at its next action. A worker of this agent goes on by itself; otherwise: {hints.Work}", Styles.Good);
        else
            context.Output.Line(report.Blockers.Count > 0 ? "Nothing was changed." : "Nothing stands in the way; nothing was changed yet.");
    }
}
