using Steward.Journal;
using Steward.Storage;

namespace Steward.Client.Contract;

/// <summary>An amount of each metric.</summary>
/// <param name="Usd">US dollars.</param>
/// <param name="Tokens">Tokens, in and out together.</param>
/// <param name="ModelCalls">Calls to models, every attempt counted.</param>
/// <param name="ToolCalls">Tool calls.</param>
public sealed record AmountDocument(decimal Usd, long Tokens, long ModelCalls, long ToolCalls)
{
    /// <summary>An amount.</summary>
    public static AmountDocument Of(BudgetAmount amount) => new(amount.Usd, amount.Tokens, amount.ModelCalls, amount.ToolCalls);
}

/// <summary>A ceiling for each metric; null for none.</summary>
/// <param name="Usd">Most US dollars.</param>
/// <param name="Tokens">Most tokens, in and out together.</param>
/// <param name="ModelCalls">Most calls to models, every attempt counted.</param>
/// <param name="ToolCalls">Most tool calls.</param>
public sealed record CeilingsDocument(decimal? Usd, long? Tokens, long? ModelCalls, long? ToolCalls)
{
    /// <summary>The ceilings.</summary>
    public static CeilingsDocument Of(BudgetCeilings ceilings)
    {
        ArgumentNullException.ThrowIfNull(ceilings);
        return new(ceilings.Usd, ceilings.Tokens, ceilings.ModelCalls, ceilings.ToolCalls);
    }
}

/// <summary>The budget of a scope.</summary>
/// <param name="Scope">The scope's key, such as <c>tenant:acme</c>.</param>
/// <param name="Ceilings">Its ceilings.</param>
/// <param name="Spent">What is spent under them.</param>
/// <param name="Reserved">What calls in flight have reserved.</param>
public sealed record BudgetDocument(string Scope, CeilingsDocument Ceilings, AmountDocument Spent, AmountDocument Reserved)
{
    /// <summary>The budget of a scope.</summary>
    public static BudgetDocument Of(BudgetInfo budget)
    {
        ArgumentNullException.ThrowIfNull(budget);
        return new(
            budget.Scope.Key,
            CeilingsDocument.Of(budget.Ceilings),
            AmountDocument.Of(budget.Spent),
            AmountDocument.Of(budget.Reserved));
    }
}

/// <summary>Budgets by scope.</summary>
/// <param name="Budgets">The budgets.</param>
public sealed record BudgetList(IReadOnlyList<BudgetDocument> Budgets);
