using Steward.Journal;

namespace Steward.Storage;

/// <summary>Which statuses end a run: one list for queries, made of <see cref="RunStatusExtensions.IsTerminal"/>.</summary>
public static class StatusRules
{
    /// <summary>A run in one of these never changes again.</summary>
    public static IReadOnlyList<RunStatus> Ended { get; } = [.. Enum.GetValues<RunStatus>().Where(s => s.IsTerminal())];

    /// <summary>A run in one of these goes on, or waits for something.</summary>
    public static IReadOnlyList<RunStatus> Living { get; } = [.. Enum.GetValues<RunStatus>().Where(s => !s.IsTerminal())];
}
