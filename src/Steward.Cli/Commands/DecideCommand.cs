using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Client.Contract;
using Steward.Journal;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary><c>steward approve</c>, <c>deny</c> and <c>answer</c>: a person's word on what a run asks. The first decision counts.</summary>
internal sealed class DecideCommand(CommandContext context, Answer answer, params IReadOnlyCollection<QuestionKind> kinds)
{
    private readonly Argument<string> _run = CommonOptions.Run();
    private readonly Argument<string?> _question = Question();
    private readonly Argument<string[]> _words = new("answer")
    {
        Description = "The question's id, which is not needed when only one is open; then the answer.",
        Arity = new ArgumentArity(1, 2),
    };
    private readonly Option<string?> _edit = CommonOptions.Named<string?>(
        "--edit",
        "Approve these arguments instead: the whole JSON object. The model is told that a person changed them.",
        "json");
    private readonly Option<string?> _note = CommonOptions.Named<string?>(
        "--note",
        answer == Journal.Answer.Deny ? "Why; the model reads it, and it stands in the journal." : "Why; it stands in the journal.",
        "text");
    private readonly Option<string?> _binding = CommonOptions.Named<string?>(
        "--binding",
        "The binding that was seen ('inbox --json'): refused if something else is asked by now.",
        "hash");
    private readonly Option<bool> _whole = WholeFirst.Option();
    private readonly Option<string[]> _roles = Roles("A role that the decider bears; several with commas.");
    private readonly Option<string?> _by = CommonOptions.By();
    private readonly Option<string?> _agent = CommonOptions.Named<string?>(
        "--agent",
        "The agent's folder whose database is meant.",
        "folder");

    public static Command Approve(CommandContext context) =>
        new DecideCommand(
            context,
            Journal.Answer.Approve,
            QuestionKind.Approval,
            QuestionKind.Plan).Create("approve", "Let a call be made, or a plan be carried out.");

    public static Command Deny(CommandContext context) =>
        new DecideCommand(
            context,
            Journal.Answer.Deny,
            QuestionKind.Approval,
            QuestionKind.Plan,
            QuestionKind.UserInput,
            QuestionKind.HandOff).Create("deny", "Refuse a call, a plan, or an answer; the model reads the note.");

    public static Command Answer(CommandContext context) =>
        new DecideCommand(context, Journal.Answer.Reply, QuestionKind.UserInput, QuestionKind.HandOff).Create(
            "answer", "Answer what the agent asks, or say how a task ended that it handed off.");

    public static Argument<string?> Question() =>
        new("question") { Description = "The question's id; not needed when only one is open.", Arity = ArgumentArity.ZeroOrOne };

    public static Option<string[]> Roles(string description) =>
        new("--role") { Description = description, HelpName = "role", AllowMultipleArgumentsPerToken = true };

    public static string[] Split(string[]? roles) =>
        [.. (roles ?? []).SelectMany(r => r.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))];

    private Command Create(string name, string description)
    {
        var command = new Command(name, description) { _run };
        command.Add(answer == Journal.Answer.Reply ? _words : _question);
        if (answer == Journal.Answer.Approve)
        {
            command.Add(_edit);
            command.Add(_whole);
        }

        if (answer != Journal.Answer.Reply)
            command.Add(_binding);
        foreach (Option option in (Option[])[_note, _by, _roles, _agent])
            command.Add(option);
        command.SetAction(ExecuteAsync);
        return command;
    }

    private async Task<int> ExecuteAsync(ParseResult parse, CancellationToken cancellationToken)
    {
        JsonElement? edited = Edited(parse);
        (string? id, string? reply) = answer != Journal.Answer.Reply ? (parse.GetValue(_question), null)
            : parse.GetValue(_words) is [var question, var words] ? (question, words) : (null, parse.GetValue(_words)![0]);
        string by = parse.GetValue(_by) ?? CommandContext.Operator;
        await using OpenRun run = await context.OpenRunAsync(parse, _run, parse.GetValue(_agent), cancellationToken);
        QuestionInfo asked = await QuestionFinder.FindAsync(run.Store, run.Info, id, kinds, cancellationToken);
        var hints = new Hints(parse.GetValue(_agent), parse.GetValue(CommonOptions.Store), run.Info.Run);
        if (!kinds.Contains(asked.Kind))
            throw new UsageException(
                $"'{asked.Id}' is a question of another kind; answer it with one of: {string.Join(" | ", hints.Answers(asked.Kind, asked.Id))}.");
        string? binding = answer == Journal.Answer.Reply ? null : parse.GetValue(_binding);
        if (answer == Journal.Answer.Approve
            && !await WholeFirst.OnTerminal(context.Output).LetsAsync(
                asked.Id,
                QuestionView.Of(asked),
                isNamed: edited is not null || binding is not null,
                parse.GetValue(_whole),
                hints.Whole,
                cancellationToken))
            return ExitCodes.Awaiting;
        await using AgentHost host = AgentHost.Create(null, run.Store, context.Output, context.Time);
        DecisionResult result = await host.Client.Get(run.Info.Run).DecideAsync(
            new Decision
            {
                Id = RunId.New(context.Time).ToString(),
                Run = run.Info.Run,
                Question = asked.Id,
                Answer = answer,
                By = by,
                Roles = Split(parse.GetValue(_roles)),
                Binding = binding ?? (edited is null ? Found(asked) : null),
                Result = reply,
                Arguments = edited,
                Note = parse.GetValue(_note),
            },
            cancellationToken);
        if (result.Status is not (DecisionStatus.Accepted or DecisionStatus.Counted))
            throw new UsageException(QuestionLines.Refusal(result, by));
        Report(result, by, hints);
        return ExitCodes.Ok;
    }

    /// <summary>An approval is one of what was found here: nothing that takes its place meanwhile is approved with it.</summary>
    private string? Found(QuestionInfo asked) =>
        answer == Journal.Answer.Approve && asked.Status == QuestionStatus.Open ? asked.Binding : null;

    private JsonElement? Edited(ParseResult parse)
    {
        if (answer != Journal.Answer.Approve || parse.GetValue(_edit) is not { } text)
            return null;
        try
        {
            return JsonElement.Parse(text);
        }
        catch (JsonException e)
        {
            throw new UsageException(
                $"--edit is not JSON: {e.Message} Write the whole object of arguments, in quotes for the shell: --edit '{{\"amount\": 5}}'");
        }
    }

    private void Report(DecisionResult result, string by, Hints hints)
    {
        QuestionInfo question = result.Question!;
        int missing = question.Needed - QuestionLines.Approvals(question);
        context.Output.Document(new JsonObject
        {
            ["run"] = question.Run.ToString(),
            ["question"] = question.Id,
            ["status"] = Wire.Word(result.Status),
            ["answer"] = Wire.Word(answer),
            ["by"] = by,
            ["tool"] = question.Tool,
            ["arguments"] = question.Arguments is { } arguments ? JsonNode.Parse(arguments.GetRawText()) : null,
            ["missing"] = result.Status == DecisionStatus.Counted ? missing : 0,
            ["resume"] = hints.Resume,
        });
        if (result.Status == DecisionStatus.Counted)
        {
            context.Output.Line(QuestionLines.Counted(question), Styles.Warn);
            return;
        }

        string what = question.Tool is { } tool ? $": {tool}{(question.IsEdited ? " (edited)" : "")}" : "";
        context.Output.Line($"{Done()} {question.Id}{what}", Styles.Good);
        if (answer == Journal.Answer.Approve)
            QuestionView.Of(question).WriteArguments(context.Output, whole: false, indent: 2);
        context.Output.Line("A worker of this agent goes on by itself; otherwise:", Styles.Good);
        context.Output.Line($"  {hints.Resume}");
        context.Output.Line($"  {hints.Work}");
    }

    private string Done() => answer switch
    {
        Journal.Answer.Approve => "Approved",
        Journal.Answer.Deny => "Denied",
        _ => "Answered",
    };
}
