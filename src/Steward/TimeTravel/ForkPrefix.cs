using Steward.Journal;
using Steward.State;

namespace Steward.TimeTravel;

/// <summary>Says which entries of a journal's beginning a fork copies. Pure.</summary>
/// <remarks>
/// The beginning has to end at rest. A call without a result begins anew in the fork: everything about it is left
/// out, a person's approval too, for people approved it for the origin. So are an unfinished turn's attempts,
/// children that had not ended, open questions, wishes to cancel, and what is about the origin's workers only.
/// </remarks>
internal static class ForkPrefix
{
    public static IReadOnlyList<JournalEntry> Of(IReadOnlyList<JournalEntry> entries, RunState state)
    {
        HashSet<(int, int)> open = [.. state.Calls.Where(c => c.Status != ToolCallStatus.Done).Select(c => (c.Turn, c.Index))];
        HashSet<RunId> children = [.. state.Children.Select(c => c.Child)];
        HashSet<string> questions =
            [.. entries.Select(e => e.Event).OfType<QuestionAsked>().Where(q => IsDropped(q, state, open)).Select(q => q.Id)];
        foreach (QuestionAnswered stop in entries.Select(e => e.Event).OfType<QuestionAnswered>().Where(a => a.Answer == Answer.Stop))
            questions.Add(stop.Id);
        // It waited for something that the fork asks for again.
        long? awaiting = state.Status == RunStatus.Awaiting
            ? entries.LastOrDefault(e => e.Event is StateChanged { To: RunStatus.Awaiting })?.Sequence
            : null;
        return [.. entries.Where(e => e.Sequence != awaiting && IsKept(e.Event))];

        bool IsKept(RunEvent runEvent) => runEvent switch
        {
            RunClaimed or BudgetAlerted or SignalIgnored or CancelRequested or RunMigrated => false,
            ModelStarted e => e.Turn <= state.Turn,
            ModelFailed e => e.Turn <= state.Turn,
            ToolStarted e => !open.Contains((e.Turn, e.Index)),
            ToolFailed e => !open.Contains((e.Turn, e.Index)),
            ToolResolved e => !open.Contains((e.Turn, e.Index)),
            WaitStarted e => !open.Contains((e.Turn, e.Index)),
            ChildStarted e => !children.Contains(e.Child),
            QuestionAsked e => !questions.Contains(e.Id),
            QuestionAnswered e => !questions.Contains(e.Id),
            QuestionReassigned e => !questions.Contains(e.Id),
            _ => true,
        };
    }

    private static bool IsDropped(QuestionAsked question, RunState state, HashSet<(int, int)> open) => question.Kind switch
    {
        QuestionKind.Quarantine => true,
        QuestionKind.Plan => state.FindQuestion(question.Id) is not null || IsApprovalOfUnfinishedPlan(question, state.Planning),
        _ => open.Contains((question.Turn, question.Index)),
    };

    private static bool IsApprovalOfUnfinishedPlan(QuestionAsked question, PlanState planning) =>
        planning is { IsApproved: true, Plan: { } plan }
            && question.Binding == PlanReader.Hash(plan)
            && planning.Steps.Any(s => s.Status != StepStatus.Done);
}
