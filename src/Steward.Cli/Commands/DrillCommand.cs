using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Drills;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative.Stores;

namespace Steward.Cli.Commands;

/// <summary><c>steward drill kill</c>: proves on a live installation that the kill switch holds.</summary>
internal static class DrillCommand
{
    public static Command Create(CommandContext context) => new("drill", "Prove a promise on a live installation.") { Kill(context) };

    private static Command Kill(CommandContext context)
    {
        Argument<string?> folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
        var runs = new Option<int>("--runs")
        {
            Description = "How many harmless runs are in flight when the switch is engaged.",
            HelpName = "count",
            DefaultValueFactory = _ => 16,
        };
        Option<bool> global = CommonOptions.Named<bool>(
            "--global", "Engage the global switch: every agent stops for some seconds. Otherwise only the drill's own.");
        var command = new Command(
            "kill",
            $"Start harmless runs of the agent '{DrillAgent.Name}', engage its switch, prove that nothing starts any more, release, and see them complete.") { folder, runs, global };
        command.SetAction(async (parse, cancellationToken) =>
        {
            if (parse.GetValue(runs) is < 1 or > 512)
                throw new UsageException("--runs must be 1 to 512.");
            StoreAddress database = StoreLocator.Any(parse.GetValue(CommonOptions.Store), parse.GetValue(folder));
            await using OpenStore store = await OpenStore.OpenAsync(
                database, context.Output, context.Time, cancellationToken: cancellationToken);
            context.Output.Line($"kill drill on {database}", Styles.Bold);
            var drill = new KillDrill(store.Store, context.Output, context.Time, parse.GetValue(runs), parse.GetValue(global));
            IReadOnlyList<DrillFinding> findings = await drill.RunAsync(cancellationToken);
            return Report(context.Output, findings);
        });
        return command;
    }

    private static int Report(Output output, IReadOnlyList<DrillFinding> findings)
    {
        bool passed = findings.All(f => f.Passed);
        output.Document(new JsonObject
        {
            ["passed"] = passed,
            ["findings"] = new JsonArray([.. findings.Select(f => (JsonNode)new JsonObject { ["check"] = f.Name, ["passed"] = f.Passed, ["text"] = f.Text })]),
        });
        output.Table(["", "check", "found"], [.. findings.Select(f => (string[])[f.Passed ? "ok" : "fail", f.Name, f.Text])]);
        output.Line(
            passed ? "The kill switch holds." : "The kill switch does NOT hold here. Keep this output, and stop the workers.",
            passed ? Styles.Good : Styles.Bad);
        return passed ? ExitCodes.Ok : ExitCodes.Failed;
    }
}
