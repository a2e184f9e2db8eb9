using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward feedback</c>: says how good a run was, also after it has ended.</summary>
internal sealed class FeedbackCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Option<double?> _score = CommonOptions.Named<double?>("--score", "From 0 (useless) to 1 (perfect).", "number");
    private readonly Option<bool> _up = CommonOptions.Named<bool>("--up", "Good: a score of 1.");
    private readonly Option<bool> _down = CommonOptions.Named<bool>("--down", "Bad: a score of 0.");
    private readonly Option<string?> _comment = CommonOptions.Named<string?>("--comment", "In words.", "text");
    private readonly Option<int?> _turn = CommonOptions.Named<int?>(
        "--turn",
        "The turn whose message is meant; otherwise the whole run.",
        "n");
    private readonly Option<string?> _by = CommonOptions.By();
    private readonly Argument<string?> _listed = new("run") { Description = "Only about this run.", Arity = ArgumentArity.ZeroOrOne };
    private readonly Option<string?> _agent = CommonOptions.Named<string?>("--agent", "Only about runs of this agent.", "name");
    private readonly Option<int> _limit = new("--limit") { Description = "At most so much, newest first.", DefaultValueFactory = _ => 50 };

    public static Command Create(CommandContext context) => new FeedbackCommand(context).Create();

    public static string Line(Feedback f) =>
        $"{Wire.Word(f.Kind)} by {f.By}{(f.Score is { } score ? string.Create(CultureInfo.InvariantCulture, $", score {score:0.##}") : "")}{(f.Turn is { } turn ? $", turn {turn}" : "")}{(f.Comment is { Length: > 0 } comment ? $": {Output.Excerpt(comment, 400)}" : "")}";

    private Command Create()
    {
        var list = new Command("list", "List feedback: what people said, and what the runtime noticed.") { _listed, _agent, _limit };
        list.SetAction(ListAsync);
        var command = new Command(
            "feedback",
            "Say how good a run was; also after it has ended. The journal stays as it is.") { _run, _score, _up, _down, _comment, _turn, _by, list };
        command.SetAction(GiveAsync);
        return command;
    }

    private async Task<int> GiveAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        double? score = Score(parse);
        if (score is null && parse.GetValue(_comment) is null)
            throw new UsageException("Say something: --up, --down, --score NUMBER or --comment TEXT.");
        await using OpenRun run = await context.OpenRunAsync(parse, _run, null, cancellationToken);
        await using AgentHost host = AgentHost.Create(null, run.Store, context.Output, context.Time);
        string by = parse.GetValue(_by) ?? CommandContext.Operator;
        await host.Client.Get(run.Info.Run).AddFeedbackAsync(
            by, score, parse.GetValue(_comment), parse.GetValue(_turn), cancellationToken: cancellationToken);
        context.Output.Document(new JsonObject { ["run"] = run.Info.Run.ToString(), ["score"] = score, ["by"] = by });
        context.Output.Line($"Kept: thank you. About run {run.Info.Run}.", Styles.Good);
        return ExitCodes.Ok;
    }

    private double? Score(ParseResult parse)
    {
        double?[] given = [parse.GetValue(_score), parse.GetValue(_up) ? 1 : null, parse.GetValue(_down) ? 0 : null];
        if (given.Count(s => s is not null) > 1)
            throw new UsageException("Give one of --score, --up and --down.");
        double? score = given.FirstOrDefault(s => s is not null);
        return score is < 0 or > 1 or double.NaN ? throw new UsageException("--score is from 0 (useless) to 1 (perfect).") : score;
    }

    private async Task<int> ListAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        await using OpenStore store = await context.OpenAsync(parse, cancellationToken: cancellationToken);
        RunId? run = parse.GetValue(_listed) is { } wanted
            ? (await RunFinder.FindAsync(store.Store, wanted, cancellationToken: cancellationToken)).Run
            : null;
        IReadOnlyList<Feedback> found = await store.Store.FeedbackAsync(
            new FeedbackQuery { Run = run, Agent = parse.GetValue(_agent), Limit = parse.GetValue(_limit) }, cancellationToken);
        context.Output.Document(new FeedbackList([.. found.Select(FeedbackDocument.Of)]), ContractJson.Complete<FeedbackList>());
        if (found.Count == 0)
            context.Output.Line("There is no feedback.");
        foreach (Feedback feedback in found)
            context.Output.Line($"{Show.Moment(feedback.At)}  {feedback.Run}  {Line(feedback)}");
        return ExitCodes.Ok;
    }
}
