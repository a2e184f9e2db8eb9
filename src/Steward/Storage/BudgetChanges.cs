using Steward.Journal;

namespace Steward.Storage;

/// <summary>Questions about the budget changes of one batch; a ceiling is held against their sum, not against each in turn.</summary>
public static class BudgetChanges
{
    /// <summary>Whether anything is newly reserved; a batch that only settles is never refused.</summary>
    public static bool Reserves(this IReadOnlyList<BudgetChange> changes)
    {
        ArgumentNullException.ThrowIfNull(changes);
        for (int i = 0; i < changes.Count; i++)
        {
            if (changes[i].Reserve != BudgetAmount.Zero)
                return true;
        }

        return false;
    }

    /// <summary>What a scope takes that counts over days: run, session, tenant and global.</summary>
    public static BudgetChange Sum(this IReadOnlyList<BudgetChange> changes) => Sum(changes, null);

    /// <summary>What the agent's scope of one day takes.</summary>
    public static BudgetChange SumOf(this IReadOnlyList<BudgetChange> changes, DateOnly day) => Sum(changes, day);

    private static BudgetChange Sum(IReadOnlyList<BudgetChange> changes, DateOnly? day)
    {
        ArgumentNullException.ThrowIfNull(changes);
        var sum = new BudgetChange(day ?? default, BudgetAmount.Zero, BudgetAmount.Zero, BudgetAmount.Zero);
        for (int i = 0; i < changes.Count; i++)
        {
            BudgetChange change = changes[i];
            if (day is null || change.Day == day)
                sum = sum with
                {
                    Spend = sum.Spend + change.Spend,
                    Release = sum.Release + change.Release,
                    Reserve = sum.Reserve + change.Reserve,
                };
        }

        return sum;
    }
}
