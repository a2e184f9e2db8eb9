using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Journal;
using Steward.Storage;
using Steward.TimeTravel;

namespace Steward.Cli.Commands;

/// <summary><c>steward diff</c>: in what two runs differ.</summary>
internal sealed class DiffCommand(CommandContext context)
{
    private readonly Argument<string> _left = new("run1") { Description = "The first run: its id, the beginning of it, or 'last'." };
    private readonly Argument<string> _right = new("run2") { Description = "The second run." };
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");

    public static Command Create(CommandContext context) => new DiffCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "diff", "Show in what two runs differ: transitions, answers, calls, results, verdicts, cost.") { _left, _right, _folder };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        await using OpenRun first = await context.OpenRunAsync(parse, _left, parse.GetValue(_folder), cancellationToken);
        RunInfo second = await RunFinder.FindAsync(first.Store, parse.GetValue(_right)!, cancellationToken: cancellationToken);
        await using AgentHost host = AgentHost.Create(null, first.Store, context.Output, context.Time);
        RunDiff diff = await host.Client.DiffAsync(first.Info.Run, second.Run, cancellationToken);
        if (context.Output.Json)
            context.Output.Document(Document(diff));
        else
            Write(diff);
        return ExitCodes.Ok;
    }

    private void Write(RunDiff diff)
    {
        context.Output.Line($"- {Totals(diff.Left)}", Styles.Bad);
        context.Output.Line($"+ {Totals(diff.Right)}", Styles.Good);
        context.Output.Line();
        if (diff.First is null)
            context.Output.Line("No difference.");
        foreach (RunDifference difference in diff.Differences)
        {
            context.Output.Line($"{difference.Kind}", Styles.Bold);
            Side("-", difference.Left, Styles.Bad);
            Side("+", difference.Right, Styles.Good);
        }
    }

    private void Side(string sign, RunMoment? moment, Spectre.Console.Style style)
    {
        if (moment is not null)
            context.Output.Line($"  {sign} {moment.Sequence,4}  {Output.Excerpt(moment.Text, 400)}", style);
    }

    private static string Totals(RunTotals totals) =>
        $"{totals.Run} {totals.Status.Name()} ({totals.Reason}) · {Show.Count(totals.Turns, "turn")} · {Show.Usd(totals.Spent.Usd)} · {Show.Count(totals.Spent.Tokens, "token")} · {Show.Count(totals.Spent.ToolCalls, "tool call")}{(totals.Origin is { } o ? $" · forked from {o.Run} at {o.Sequence}" : "")}";

    private static JsonObject Document(RunDiff diff) => new()
    {
        ["left"] = Document(diff.Left),
        ["right"] = Document(diff.Right),
        ["first"] = diff.First is { } first ? Document(first) : null,
        ["differences"] = new JsonArray([.. diff.Differences.Select(d => (JsonNode)Document(d))]),
    };

    private static JsonObject Document(RunTotals totals) => new()
    {
        ["run"] = totals.Run.ToString(),
        ["status"] = totals.Status.Name(),
        ["reason"] = totals.Reason,
        ["turns"] = totals.Turns,
        ["spent"] = Documents.Of(totals.Spent),
        ["origin"] = totals.Origin?.Run.ToString(),
    };

    private static JsonObject Document(RunDifference difference) => new()
    {
        ["kind"] = difference.Kind,
        ["left"] = Document(difference.Left),
        ["right"] = Document(difference.Right),
    };

    private static JsonObject? Document(RunMoment? moment) =>
        moment is null ? null : new() { ["sequence"] = moment.Sequence, ["text"] = moment.Text };
}
