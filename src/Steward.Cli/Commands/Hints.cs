using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Commands;

/// <summary>The exact commands that go on from here.</summary>
internal sealed record Hints(string? Agent, string? StoreOption, RunId Run)
{
    public string Store => StoreLocator.Options(StoreOption);

    public string Resume => $"steward run {AgentOrPlaceholder} --resume {Run}{Store}";

    public string Work => $"steward work {AgentOrPlaceholder}{Store}";

    private string AgentOrPlaceholder => Agent is null ? "AGENT" : StoreLocator.Quote(Agent);

    public void WriteQuestions(Output output, RunState state)
    {
        foreach (QuestionAsked question in state.Questions)
            WriteQuestion(output, question.Id, QuestionView.Of(question), Decider(question.Assignee, question.Roles), null);
        output.Line("Then go on with:", Styles.Bold);
        output.Line($"  {Resume}");
    }

    /// <summary>A question of another run, which this one waits for.</summary>
    public void WriteQuestion(Output output, QuestionInfo question) =>
        WriteQuestion(
            output,
            $"{question.Id} of the agent '{question.Agent}'",
            QuestionView.Of(question),
            Decider(question.Assignee, question.Roles),
            question.Id);

    /// <summary>The commands that answer a question of which the words were shown.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="question">The question.</param>
    /// <param name="whole">Whether all of it was shown.</param>
    public void WriteAnswers(Output output, QuestionInfo question, bool whole)
    {
        bool isShortened = QuestionView.Of(question).IsShortened;
        string seen = !isShortened ? "" : whole ? $"--binding {question.Binding}" : "--whole";
        foreach (string answer in Answers(question.Kind, question.Id, Decider(question.Assignee, question.Roles), seen))
            output.Line($"    {answer}");
    }

    /// <summary>The command that shows all of a question.</summary>
    public string Whole => $"steward inbox --run {Run} --whole{Store}";

    private void WriteQuestion(Output output, string title, QuestionView view, string decider, string? id)
    {
        output.Line();
        view.Write(output, $"Question {title}: ");
        foreach (string answer in Answers(view.Kind, id ?? title, decider, view.IsShortened ? "--whole" : ""))
            output.Line($"  {answer}");
    }

    /// <summary>The commands that answer a question.</summary>
    /// <param name="kind">The question's kind.</param>
    /// <param name="id">Its id.</param>
    /// <param name="decider">The options that say who decides.</param>
    /// <param name="seen">The option that says what was seen, for answers by which the call is made.</param>
    public IReadOnlyList<string> Answers(QuestionKind kind, string id, string decider = "", string seen = "")
    {
        (string Command, string Options)[] answers = kind switch
        {
            QuestionKind.OutcomeUnknown =>
                [("resolve", "--happened --result TEXT"), ("resolve", $"--did-not-happen {seen}".TrimEnd()), ("resolve", "--stop")],
            QuestionKind.Approval or QuestionKind.Plan => [("approve", seen), ("deny", "--note REASON"), ("resolve", "--stop")],
            QuestionKind.UserInput or QuestionKind.HandOff => [("answer", "TEXT"), ("deny", "--note REASON"), ("resolve", "--stop")],
            _ => [("resolve", "--continue"), ("resolve", "--stop")],
        };
        return [.. answers.Select(a => $"steward {a.Command} {Run} {id}{(a.Options.Length == 0 ? "" : $" {a.Options}")}{decider}{Database}")];
    }

    /// <summary>The option that says who decides, where not everybody may.</summary>
    private static string Decider(string? assignee, IReadOnlyList<string>? roles) =>
        assignee is not null
            ? $" --by {StoreLocator.Quote(assignee)}"
            : roles is [var role, ..]
            ? $" --role {StoreLocator.Quote(role)}"
            : "";

    private string Database => Store.Length == 0 && Agent is not null ? $" --agent {StoreLocator.Quote(Agent)}" : Store;
}
