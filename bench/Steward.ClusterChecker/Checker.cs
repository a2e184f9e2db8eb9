using Steward.ClusterChecker.Evidence;
using Steward.ClusterChecker.Rules;

namespace Steward.ClusterChecker;

/// <summary>All rules. What is found here is a broken promise, or a fault that lay outside of what was promised: that is for the scenario to say.</summary>
internal static class Checker
{
    public static IReadOnlyList<Finding> Check(Case all) =>
    [
        .. SequenceRule.Check(all),
        .. EpochRule.Check(all),
        .. DurabilityRule.Check(all),
        .. EffectRule.Check(all),
        .. LostRule.Check(all),
        .. SignalRule.Check(all),
        .. SwitchRule.Check(all),
        .. BudgetRule.Check(all),
    ];
}
