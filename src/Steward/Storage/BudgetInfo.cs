using Steward.Journal;

namespace Steward.Storage;

/// <summary>A scope's budget: its ceilings, what is spent, and what calls in flight have reserved.</summary>
public sealed record BudgetInfo(BudgetScope Scope, BudgetCeilings Ceilings, BudgetAmount Spent, BudgetAmount Reserved);
