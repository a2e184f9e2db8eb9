using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward inbox</c>: what all runs ask people.</summary>
internal sealed class InboxCommand(CommandContext context)
{
    private readonly Argument<string?> _folder = CommonOptions.Folder("The agent's folder whose database is meant; otherwise this one.");
    private readonly Option<string?> _tenant = CommonOptions.Named<string?>("--tenant", "Only questions of this tenant's runs.", "name");
    private readonly Option<string?> _runs = CommonOptions.Named<string?>("--run", "Only questions of this run.", "run");
    private readonly Option<int> _limit = new("--limit")
    {
        Description = "At most so many.",
        HelpName = "count",
        DefaultValueFactory = _ => 100,
    };

    private readonly Option<bool> _whole = CommonOptions.Named<bool>(
        "--whole", "Show everything that is asked, however long, with its binding.");

    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Argument<string?> _question = DecideCommand.Question();
    private readonly Option<string?> _to = CommonOptions.Named<string?>("--to", "The one person who may decide from now on.", "name");
    private readonly Option<string[]> _roles = DecideCommand.Roles(
        "The roles that qualify a decider from now on, who needs one; several with commas.");
    private readonly Option<string?> _by = CommonOptions.By();
    private readonly Option<string[]> _as = new("--as")
    {
        Description = "The roles of the person who gives it away; several with commas.",
        HelpName = "role",
        AllowMultipleArgumentsPerToken = true,
    };
    private readonly Option<bool> _override = new("--override")
    {
        Description = "Give it away as an administrator, although it is for others to decide. The journal says so.",
    };
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "The agent's folder whose database is meant.",
        "folder");

    public static Command Create(CommandContext context) => new InboxCommand(context).Create();

    private Command Create()
    {
        var reassign = new Command("reassign", "Give an open question to somebody else.")
        {
            _run,
            _question,
            _to,
            _roles,
            _by,
            _as,
            _override,
            _agent,
        };
        reassign.SetAction(ReassignAsync);
        var command = new Command(
            "inbox",
            "List what runs ask people: approvals, questions, hand-offs. Longest asked first.")
        {
            _folder, _tenant, _runs, _limit, _whole, reassign,
        };
        command.SetAction(ListAsync);
        return command;
    }

    private async Task<int> ListAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        int limit = parse.GetValue(_limit) is > 0 and var most ? most : throw new UsageException("--limit must be above 0.");
        await using OpenStore opened = await context.OpenAsync(parse, parse.GetValue(_folder), cancellationToken);
        RunId? only = parse.GetValue(_runs) is { } run
            ? (await RunFinder.FindAsync(opened.Store, run, cancellationToken: cancellationToken)).Run
            : null;
        IReadOnlyList<QuestionInfo> open = await opened.Store.QuestionsAsync(
            new QuestionQuery { Run = only, Tenant = parse.GetValue(_tenant), Limit = limit }, cancellationToken);
        context.Output.Document(new JsonObject { ["questions"] = new JsonArray([.. open.Select(q => (JsonNode)Documents.Of(q))]) });
        if (context.Output.Json)
            return ExitCodes.Ok;
        if (open.Count == 0)
        {
            context.Output.Line("Nothing waits for a person.");
            return ExitCodes.Ok;
        }

        DateTimeOffset now = context.Time.GetUtcNow();
        bool whole = parse.GetValue(_whole), answers = whole || open.Count == 1 || only is not null;
        foreach (QuestionInfo question in open)
        {
            Write(question, now, whole);
            if (answers)
                new Hints(parse.GetValue(_folder), parse.GetValue(CommonOptions.Store), question.Run)
                    .WriteAnswers(context.Output, question, whole);
        }

        if (!answers)
            context.Output.Line("'steward inbox --run RUN' shows the commands that answer a run's questions.", Styles.Dim);
        if (!whole && open.Any(q => QuestionView.Of(q).IsShortened))
            context.Output.Line("'…' stands where more is asked than is shown; --whole shows all of it.", Styles.Dim);
        return ExitCodes.Ok;
    }

    private void Write(QuestionInfo question, DateTimeOffset now, bool whole)
    {
        context.Output.Line($"{question.Run} {question.Id}", Styles.Bold);
        QuestionView.Of(question).Write(context.Output, whole: whole, indent: 2);
        string[] facts =
        [
            Wire.Word(question.Kind),
            $"{QuestionLines.Age(now - question.AskedAt)} old",
            $"agent {question.Agent}",
            $"tenant {question.Tenant}",
            $"for {QuestionLines.Who(question)}",
            $"expires {QuestionLines.Expiry(question, now)}",
        ];
        context.Output.Line($"  {string.Join(", ", facts)}", Styles.Dim);
    }

    private async Task<int> ReassignAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        string? to = parse.GetValue(_to);
        string[] roles = DecideCommand.Split(parse.GetValue(_roles));
        if ((to is null) == (roles.Length == 0))
            throw new UsageException("Say who decides from now on: --to NAME, or --role ROLE.");
        await using OpenRun run = await context.OpenRunAsync(parse, _run, parse.GetValue(_agent), cancellationToken);
        QuestionInfo question = await QuestionFinder.FindAsync(run.Store, run.Info, parse.GetValue(_question), null, cancellationToken);
        string by = parse.GetValue(_by) ?? CommandContext.Operator;
        var reassignment = new Reassignment(
            RunId.New(context.Time).ToString(), run.Info.Run, question.Id, by, to, roles.Length == 0 ? null : roles)
        {
            ByRoles = DecideCommand.Split(parse.GetValue(_as)),
            IsOverride = parse.GetValue(_override),
        };
        DecisionResult result = await run.Store.ReassignAsync(reassignment, cancellationToken);
        if (result.Status != DecisionStatus.Accepted)
            throw new UsageException(QuestionLines.Refusal(result, by, reassigns: true));
        QuestionInfo given = result.Question!;
        context.Output.Document(Documents.Of(given));
        context.Output.Line($"{given.Id} of run {given.Run} is now for {QuestionLines.Who(given)}.", Styles.Good);
        return ExitCodes.Ok;
    }
}
