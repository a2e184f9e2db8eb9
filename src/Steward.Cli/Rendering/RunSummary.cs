using Steward.Client.Contract;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Cli.Rendering;

/// <summary>How a run stands or ended, for people.</summary>
internal static class RunSummary
{
    public static void Write(Output output, RunState state, bool content = true)
    {
        RunResultDocument result = RunResultDocument.Of(state, content);
        output.Line($"{state.Status.Name()} ({state.Reason})", StyleOf(state.Status));
        if (result.Message is { } message)
            output.Line($"  {message}");
        if (state is { Outcome: RunFailed { Code: Reasons.BudgetExhausted }, Refused: { } refused })
            output.Line($"  Raise it with: steward budget set {refused.Scope} --{OptionOf(refused.Metric)} N");
        if (result.Output is { Length: > 0 } answer)
        {
            output.Line();
            output.Line(answer, state.Status == RunStatus.Completed ? Styles.Bold : Styles.Dim);
            output.Line();
        }

        if (result.ProvedBy.Count > 0)
        {
            output.Line("Proved by:");
            foreach (string proof in result.ProvedBy)
                output.Line($"  ✓ {(content ? Output.Excerpt(proof, 400) : proof)}", Styles.Good);
        }

        output.Line(Spending(state), Styles.Dim);
    }

    private static string OptionOf(BudgetMetric metric) => metric switch
    {
        BudgetMetric.ModelCalls => "model-calls",
        BudgetMetric.ToolCalls => "tool-calls",
        BudgetMetric.Tokens => "tokens",
        _ => "usd",
    };

    public static string Spending(RunState state)
    {
        BudgetAmount spent = state.Spent + state.ChildrenSpent;
        return $"Spent {Show.Spent(spent, state.Started.Ceilings)} · {Show.Count(spent.Tokens, "token")} · {Show.Count(spent.ModelCalls, "model call")} · {Show.Count(spent.ToolCalls, "tool call")} · run {state.Run}";
    }

    public static Spectre.Console.Style StyleOf(RunStatus status) => status switch
    {
        RunStatus.Completed => Styles.Good,
        RunStatus.Failed => Styles.Bad,
        RunStatus.Cancelled or RunStatus.Awaiting => Styles.Warn,
        _ => Styles.Bold,
    };

    public static int ExitCodeOf(RunInfo run, RunState state) => state.Status switch
    {
        RunStatus.Completed => ExitCodes.Ok,
        RunStatus.Failed => ExitCodes.Failed,
        RunStatus.Cancelled => ExitCodes.Cancelled,
        RunStatus.Awaiting when state.Questions.Length > 0 && run.Status == RunStatus.Awaiting => ExitCodes.Awaiting,
        _ => ExitCodes.Parked,
    };
}
