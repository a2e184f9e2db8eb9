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
            WriteQuestion(output, question.Id, question.Kind, question.Text, Decider(question.Assignee, question.Roles));
        output.Line("Then go on with:", Styles.Bold);
        output.Line($"  {Resume}");
    }

    public void WriteQuestion(Output output, QuestionInfo question, string text) =>
        WriteQuestion(output, question.Id, question.Kind, text, Decider(question.Assignee, question.Roles));

    private void WriteQuestion(Output output, string id, QuestionKind kind, string text, string decider)
    {
        output.Line();
        output.Line($"Question {id}: {text}", Styles.Warn);
        foreach (string answer in Answers(kind, id, decider))
            output.Line($"  {answer}");
    }

    /// <summary>The commands that answer a question.</summary>
    public IReadOnlyList<string> Answers(QuestionKind kind, string id, string decider = "")
    {
        (string Command, string Options)[] answers = kind switch
        {
            QuestionKind.OutcomeUnknown =>
                [("resolve", "--happened --result TEXT"), ("resolve", "--did-not-happen"), ("resolve", "--stop")],
            QuestionKind.Approval or QuestionKind.Plan => [("approve", ""), ("deny", "--note REASON"), ("resolve", "--stop")],
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
