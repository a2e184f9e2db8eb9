using System.CommandLine;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward runs</c>: the runs at a glance, newest first.</summary>
internal static class RunsCommand
{
    public static Command Create(CommandContext context)
    {
        var folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var status = new Option<string[]>("--status")
        {
            Description = "Only runs in these: planning, executing, validating, reflecting, awaiting, completed, failed, cancelled.",
            HelpName = "status",
            AllowMultipleArgumentsPerToken = true,
        };
        var agent = CommonOptions.Named<string?>("--agent", "Only runs of this agent.", "name");
        var tenant = CommonOptions.Named<string?>("--tenant", "Only runs of this tenant.", "name");
        Option<string[]> label = CommonOptions.Label("Only runs that bear this label; several times: that bear all of them.");
        var limit = new Option<int>("--limit") { Description = "At most so many.", HelpName = "count", DefaultValueFactory = _ => 20 };
        var command = new Command("runs", "List runs, newest first.") { folder, status, agent, tenant, label, limit };
        command.SetAction(async (parse, cancellationToken) =>
        {
            var query = new RunQuery
            {
                Agent = parse.GetValue(agent),
                Tenant = parse.GetValue(tenant),
                Labels = CommonOptions.Labels(parse, label),
                Limit = parse.GetValue(limit) is > 0 and var most ? most : throw new UsageException("--limit must be above 0."),
                Statuses = parse.GetValue(status) is { Length: > 0 } names
                    ? [.. names.SelectMany(n => n.Split(',')).Select(RunStatusExtensions.Parse)]
                    : null,
            };
            await using OpenStore store = await context.OpenAsync(parse, parse.GetValue(folder), cancellationToken);
            IReadOnlyList<RunInfo> runs = await store.Store.FindAsync(query, cancellationToken);
            context.Output.Document(new RunList([.. runs.Select(RunDocument.Of)]), ContractJson.Complete<RunList>());
            if (runs.Count == 0)
                context.Output.Line("No runs.");
            else
                WriteTable(context.Output, runs);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static void WriteTable(Output output, IReadOnlyList<RunInfo> runs)
    {
        string[] columns = ["run", "status", "reason", "agent", "tenant", "spent", "started"];
        if (runs.Any(run => run.Labels.Count > 0))
            output.Table([.. columns, "labels"], [.. runs.Select(run => (string[])[.. Row(run), Show.Labels(run.Labels)])]);
        else
            output.Table(columns, [.. runs.Select(Row)]);
    }

    private static string[] Row(RunInfo run) =>
        [run.Run.ToString(), run.Status.Name(), run.Reason, run.Agent, run.Tenant, Show.Usd(run.Spent.Usd), Show.Moment(run.CreatedAt)];
}
