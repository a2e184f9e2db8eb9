using Steward.Journal;
using Steward.Storage;

namespace Steward.State;

/// <summary>What each event does to budgets. The fold and the gate both take it from here, so they cannot disagree.</summary>
internal static class BudgetLedger
{
    /// <summary>Adds the changes that an event makes in a state before it is applied.</summary>
    public static void Collect(RunState before, RunEvent runEvent, DateTimeOffset time, List<BudgetChange> changes)
    {
        switch (runEvent)
        {
            case ModelStarted e:
                Reserve(changes, time, e.Reserved);
                break;
            case ModelReturned e when before.Model is { } call:
                Settle(changes, call.StartedAt, call.Intent.Reserved, e.Settled);
                break;
            case ModelFailed e when before.Model is { } call:
                Settle(changes, call.StartedAt, call.Intent.Reserved, e.Settled);
                break;
            case ToolStarted e:
                SettleWhole(changes, before.FindCall(e.Turn, e.Index));
                Reserve(changes, time, e.Reserved);
                break;
            case ToolReturned e when before.FindCall(e.Turn, e.Index) is { } call:
                Settle(changes, call.StartedAt, call.Reserved, e.Settled);
                break;
            case ToolFailed e when before.FindCall(e.Turn, e.Index) is { } call:
                Settle(changes, call.StartedAt, call.Reserved, e.Settled);
                break;
            case ToolRejected e:
                SettleWhole(changes, before.FindCall(e.Turn, e.Index));
                break;
            case ToolResolved { Outcome: not EffectOutcome.Unknown } e:
                SettleWhole(changes, before.FindCall(e.Turn, e.Index));
                break;
            case QuestionAnswered e when before.FindQuestion(e.Id) is { Kind: QuestionKind.OutcomeUnknown } question:
                SettleWhole(changes, before.FindCall(question.Turn, question.Index));
                break;
            case RunCompleted or RunFailed or RunCancelled:
                SettleEverything(before, changes);
                break;
        }
    }

    private static void SettleEverything(RunState before, List<BudgetChange> changes)
    {
        if (before.Model is { } model)
            Settle(changes, model.StartedAt, model.Intent.Reserved, model.Intent.Reserved);
        foreach (ToolCall call in before.Calls)
            SettleWhole(changes, call);
    }

    /// <summary>A call of unknown outcome is charged what it reserved.</summary>
    private static void SettleWhole(List<BudgetChange> changes, ToolCall? call)
    {
        if (call is not null && call.Reserved != BudgetAmount.Zero)
            Settle(changes, call.StartedAt, call.Reserved, call.Reserved);
    }

    private static void Reserve(List<BudgetChange> changes, DateTimeOffset time, BudgetAmount amount) =>
        Add(changes, new BudgetChange(DateOnly.FromDateTime(time.UtcDateTime), BudgetAmount.Zero, BudgetAmount.Zero, amount));

    private static void Settle(List<BudgetChange> changes, DateTimeOffset reservedAt, BudgetAmount reserved, BudgetAmount spent) =>
        Add(changes, new BudgetChange(DateOnly.FromDateTime(reservedAt.UtcDateTime), spent, reserved, BudgetAmount.Zero));

    private static void Add(List<BudgetChange> changes, BudgetChange change)
    {
        for (int i = 0; i < changes.Count; i++)
        {
            if (changes[i].Day == change.Day)
            {
                BudgetChange sum = changes[i];
                changes[i] = new BudgetChange(
                    sum.Day, sum.Spend + change.Spend, sum.Release + change.Release, sum.Reserve + change.Reserve);
                return;
            }
        }

        changes.Add(change);
    }
}
