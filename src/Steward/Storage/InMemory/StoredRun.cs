using Steward.Journal;

namespace Steward.Storage.InMemory;

/// <summary>A run and all that the in-memory store keeps with it.</summary>
internal sealed class StoredRun(RunRecord record, RunStarted started)
{
    /// <summary>Changed by <see cref="StoredRuns.Save"/> alone.</summary>
    public RunRecord Record { get; set; } = record;

    public RunStarted Started { get; } = started;

    public List<JournalEntry> Entries { get; } = [];

    public Inbox Inbox { get; } = new();

    public RunSnapshot? Snapshot { get; set; }

    /// <summary>Its questions, in the order in which they were asked.</summary>
    public List<QuestionInfo> Questions { get; } = [];

    public List<Feedback> Feedback { get; } = [];

    public BudgetRow Own { get; set; } = null!;

    public BudgetRow[] BudgetRows { get; set; } = [];

    public DateOnly BudgetDay { get; set; }

    public bool IsWantedBy(RunQuery query) =>
        (query.Run is null || query.Run == Record.Run)
        && (query.Runs is null || query.Runs.Contains(Record.Run))
        && (query.Tenant is null || query.Tenant == Record.Tenant)
        && (query.Agent is null || query.Agent == Record.Agent)
        && (query.Session is null || query.Session == Record.Session)
        && (!query.RootsOnly || Record.Ancestors.Count == 0)
        && (query.Parent is null || query.Parent == Started.Parent?.Run)
        && (query.Statuses is null || query.Statuses.Contains(Record.Status))
        && (query.Labels is null || query.Labels.All(l => Record.Labels.TryGetValue(l.Key, out string? value) && value == l.Value));

    public RunInfo ToInfo() => Record.ToInfo(Own.Info.Spent, Own.Info.Reserved);
}
