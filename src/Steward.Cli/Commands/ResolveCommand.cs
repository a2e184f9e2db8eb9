using System.CommandLine;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward resolve</c>: a person's answer to what a run asks.</summary>
internal sealed class ResolveCommand(CommandContext context)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Argument<string?> _question = new("question")
    {
        Description = "The question's id; not needed when only one is open.",
        Arity = ArgumentArity.ZeroOrOne,
    };
    private readonly Option<bool> _happened = CommonOptions.Named<bool>(
        "--happened",
        "The lost call took effect; with --result, what it gave.");
    private readonly Option<bool> _didNotHappen = CommonOptions.Named<bool>("--did-not-happen", "The lost call had no effect: make it.");
    private readonly Option<bool> _approve = CommonOptions.Named<bool>("--approve", "Make this call.");
    private readonly Option<bool> _deny = CommonOptions.Named<bool>("--deny", "Do not make this call; the model reads the note.");
    private readonly Option<bool> _continue = CommonOptions.Named<bool>("--continue", "Try a quarantined run once more.");
    private readonly Option<bool> _stop = CommonOptions.Named<bool>("--stop", "End the run.");
    private readonly Option<string?> _result = CommonOptions.Named<string?>("--result", "The result that the model then sees.", "text");
    private readonly Option<string?> _note = CommonOptions.Named<string?>("--note", "Why; it stands in the journal.", "text");
    private readonly Option<string?> _binding = CommonOptions.Named<string?>(
        "--binding",
        "The binding that was seen ('inbox --whole'): refused if something else is asked by now.",
        "hash");
    private readonly Option<bool> _whole = WholeFirst.Option();
    private readonly Option<string?> _by = CommonOptions.By();
    private readonly Option<string[]> _roles = DecideCommand.Roles("A role that the decider bears; several with commas.");
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "The agent's folder whose database is meant.",
        "folder");

    public static Command Create(CommandContext context) => new ResolveCommand(context).Create();

    private Command Create()
    {
        var command = new Command(
            "resolve",
            "Say what became of a lost call, or let a quarantined run go on; without an answer, list what a run asks. For approvals, see approve and deny.")
        {
            _run, _question, _happened, _didNotHappen, _approve, _deny, _continue, _stop, _result, _note, _binding, _whole, _by, _roles,
            _agent,
        };
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        Answer? answer = AnswerOf(parse);
        await using OpenRun run = await context.OpenRunAsync(parse, _run, parse.GetValue(_agent), cancellationToken);
        RunInfo info = run.Info;
        RunState state = await RunJournal.LoadAsync(run.Store, info.Run, cancellationToken);
        var hints = new Hints(parse.GetValue(_agent), parse.GetValue(CommonOptions.Store), info.Run);
        if (answer is not { } given)
            return List(state, hints);

        QuestionAsked question = Find(state, parse.GetValue(_question));
        if (!QuestionRules.Fits(question.Kind, given))
            throw new UsageException(
                $"'{question.Id}' is a question of another kind; answer it with one of: {string.Join(" | ", hints.Answers(question.Kind, question.Id))}.");
        string by = parse.GetValue(_by) ?? CommandContext.Operator;
        string? binding = parse.GetValue(_binding);
        QuestionInfo asked = await QuestionFinder.FindAsync(run.Store, info, question.Id, null, cancellationToken);
        bool makesTheCall = given is Answer.Approve or Answer.DidNotHappen;
        if (makesTheCall
            && !await WholeFirst.OnTerminal(context.Output).LetsAsync(
                asked.Id, QuestionView.Of(asked), binding is not null, parse.GetValue(_whole), hints.Whole, cancellationToken))
            return ExitCodes.Awaiting;
        DecisionResult decided = await run.Store.DecideAsync(
            new Decision
            {
                Id = RunId.New(context.Time).ToString(),
                Run = info.Run,
                Question = question.Id,
                Answer = given,
                By = by,
                Binding = binding ?? (makesTheCall && asked.Status == QuestionStatus.Open ? asked.Binding : null),
                Roles = DecideCommand.Split(parse.GetValue(_roles)),
                Result = parse.GetValue(_result),
                Note = parse.GetValue(_note),
            },
            cancellationToken);
        if (decided is { Status: DecisionStatus.AlreadyDecided, Question.Votes: [.., Vote earlier] })
            throw new UsageException(
                $"{earlier.By} has answered '{question.Id}' already ({Wire.Word(earlier.Answer)}), and the first answer counts. Go on with: {hints.Resume}");
        if (decided.Status is not (DecisionStatus.Accepted or DecisionStatus.Counted))
            throw new UsageException(QuestionLines.Refusal(decided, by));
        if (decided is { Status: DecisionStatus.Counted, Question: { } counted })
        {
            context.Output.Document(
                new JsonObject { ["run"] = hints.Run.ToString(), ["question"] = question.Id, ["answer"] = Wire.Word(given),
                    ["missing"] = counted.Needed - QuestionLines.Approvals(counted) });
            context.Output.Line(QuestionLines.Counted(counted), Styles.Warn);
            return ExitCodes.Ok;
        }

        Report(question, given, hints);
        return ExitCodes.Ok;
    }

    private Answer? AnswerOf(ParseResult parse)
    {
        Answer[] given =
        [
            .. new (Option<bool> Option, Answer Answer)[]
            {
                (_happened, Answer.Happened), (_didNotHappen, Answer.DidNotHappen), (_approve, Answer.Approve),
                (_deny, Answer.Deny), (_continue, Answer.Continue), (_stop, Answer.Stop),
            }.Where(o => parse.GetValue(o.Option)).Select(o => o.Answer),
        ];
        if (given.Length > 1)
            throw new UsageException("Give one answer: --happened, --did-not-happen, --approve, --deny, --continue or --stop.");
        if (parse.GetValue(_result) is not null && given is not [Answer.Happened])
            throw new UsageException("--result belongs to --happened.");
        return given is [var one] ? one : null;
    }

    private static QuestionAsked Find(RunState state, string? id)
    {
        if (state.Questions.IsEmpty)
            throw new UsageException($"Run {state.Run} asks nothing: it is {state.Status.Name()} ({state.Reason}).");
        if (id is null)
            return state.Questions is [var only]
                ? only
                : throw new UsageException(
                    $"Run {state.Run} asks several things; say which: {string.Join(", ", state.Questions.Select(q => q.Id))}.");
        return state.FindQuestion(id)
            ?? throw new UsageException(
                $"'{id}' is not an open question of run {state.Run}; open: {string.Join(", ", state.Questions.Select(q => q.Id))}.");
    }

    private int List(RunState state, Hints hints)
    {
        context.Output.Document(new JsonObject
        {
            ["run"] = state.Run.ToString(),
            ["status"] = state.Status.Name(),
            ["questions"] = new JsonArray([.. state.Questions.Select(q => (JsonNode)Documents.Of(q))]),
        });
        if (context.Output.Json)
            return ExitCodes.Ok;
        if (state.Questions.IsEmpty)
            context.Output.Line($"Run {state.Run} asks nothing: it is {state.Status.Name()} ({state.Reason}).");
        else
            hints.WriteQuestions(context.Output, state);
        return ExitCodes.Ok;
    }

    private void Report(QuestionAsked question, Answer answer, Hints hints)
    {
        context.Output.Document(
            new JsonObject { ["run"] = hints.Run.ToString(), ["question"] = question.Id, ["answer"] = Wire.Word(answer),
                ["resume"] = hints.Resume });
        context.Output.Line(
            $"Answered {question.Id}: {Wire.Word(answer)}. A worker of this agent goes on by itself; otherwise:", Styles.Good);
        context.Output.Line($"  {hints.Resume}");
        context.Output.Line($"  {hints.Work}");
    }
}
