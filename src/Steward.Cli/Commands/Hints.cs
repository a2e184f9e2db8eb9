using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Runs;

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
        {
            output.Line();
            output.Line($"Question {question.Id}: {question.Text}", Styles.Warn);
            foreach (string answer in Answers(question.Kind))
                output.Line($"  steward resolve {Run} {question.Id} {answer}{(Store.Length == 0 && Agent is not null ? $" --agent {StoreLocator.Quote(Agent)}" : Store)}");
        }

        output.Line("Then go on with:", Styles.Bold);
        output.Line($"  {Resume}");
    }

    public static IReadOnlyList<string> Answers(QuestionKind kind) => kind switch
    {
        QuestionKind.OutcomeUnknown => ["--happened --result TEXT", "--did-not-happen", "--stop"],
        QuestionKind.Approval => ["--approve", "--deny --note REASON", "--stop"],
        _ => ["--continue", "--stop"],
    };
}
