using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>The contract of <see cref="Storage.IStewardStore"/> as checks:
/// a store that passes them all may carry production runs.</summary>
/// <remarks>Each check wants a store that holds nothing yet. Use them from
/// any test framework, as one theory over <see cref="ChecksFor"/>.</remarks>
public static class RunStoreConformance
{
    /// <summary>All checks.</summary>
    public static IReadOnlyList<ConformanceCheck> Checks { get; } =
    [
        .. StartChecks.All,
        .. DoorChecks.All,
        .. JournalChecks.All,
        .. LeaseChecks.All,
        .. RenewChecks.All,
        .. FairnessChecks.All,
        .. RunLimitChecks.All,
        .. SignalChecks.All,
        .. SwitchChecks.All,
        .. BudgetChecks.All,
        .. BlobChecks.All,
        .. FindChecks.All,
        .. LimitChecks.All,
        .. CancellationChecks.All,
        .. DurabilityChecks.All,
        .. FamilyChecks.All,
        .. QuestionChecks.All,
        .. SessionChecks.All,
        .. SlotChecks.All,
        .. QueueChecks.All,
    ];

    /// <summary>The checks of <see cref="Storage.IRetentionStore"/>, for stores that have it.</summary>
    public static IReadOnlyList<ConformanceCheck> RetentionChecks { get; } = [.. Conformance.RetentionChecks.All];

    /// <summary>The checks that say something about a store whose data does, or does not, outlive it.</summary>
    public static IEnumerable<ConformanceCheck> ChecksFor(bool persistent) => Checks.Where(c => persistent || !c.NeedsPersistence);
}
