using System.Globalization;
using System.Text.Json;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Diagnostics;

/// <summary>Compares the rows by which a store decides with the fold of the journal that they were made from.</summary>
/// <remarks>
/// The chain says that a journal is genuine; whose run it is, whether it may be claimed, what it may still spend and what was approved
/// stand in rows beside it. Others may go on meanwhile: what changes under the comparison is left to the next one.
/// </remarks>
public static class RowAudit
{
    private const int MostChildren = 10_000;

    /// <summary>Stores round a sum of money at each change.</summary>
    private const decimal Rounding = 0.000_001m;

    /// <summary>Compares a run's row, budget and questions with its journal.</summary>
    /// <returns>What differs; empty when nothing does, or the run is not there.</returns>
    /// <exception cref="JournalException">The journal is not genuine.</exception>
    public static async Task<IReadOnlyList<StoreProblem>> CheckAsync(
        IStewardStore store,
        RunId run,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(store);
        if (await FindAsync(store, run, cancellationToken) is not { } before)
            return [];
        RunState state = await RunJournal.LoadAsync(store, run, cancellationToken);
        IReadOnlyList<RunInfo> children = await ChildrenAsync(store, run, cancellationToken);
        IReadOnlyList<QuestionInfo> questions = await store.QuestionsAsync(
            new QuestionQuery { Run = run, Status = null, Limit = int.MaxValue }, cancellationToken);
        IReadOnlyList<QuestionInfo> open = await store.QuestionsAsync(
            new QuestionQuery { Run = run, Limit = int.MaxValue }, cancellationToken);
        IReadOnlyList<Signal> inbox = await store.InboxAsync(run, cancellationToken);
        List<StoreProblem> found = [];
        if (state.Sequence < before.Sequence)
            found.Add(
                new StoreProblem(run, state.Sequence + 1,
                    $"The journal of run {run} ends at sequence {state.Sequence}; its row says {before.Sequence}."));
        CompareIdentity(before, state, found);
        if (await FindAsync(store, run, cancellationToken) is not { } after
            || after.Sequence != state.Sequence
            || before.Sequence != state.Sequence)
            return found; // It has gone on, so the rest is of another moment.
        if (before.Status != state.Status && before.Reason != Reasons.JournalDamaged)
            Add(found, before, "status", before.Status.Name(), state.Status.Name());
        CompareQuestions(state, questions, inbox, found);
        if (!open.Select(q => q.Id).Order(StringComparer.Ordinal).SequenceEqual(OpenIn(questions)))
            found.Add(
                new StoreProblem(run, null,
                    $"The open questions of run {run} are other ones than the inbox of approvals shows. A row was edited."));
        if ((after.Spent, after.Reserved) == (before.Spent, before.Reserved)
            && SameSequences(children, await ChildrenAsync(store, run, cancellationToken)))
            CompareBudget(before, state, children, found);
        return found;
    }

    private static void CompareIdentity(RunInfo row, RunState state, List<StoreProblem> found)
    {
        RunStarted started = state.Started;
        Compare("tenant", row.Tenant, started.Tenant);
        Compare("user", row.User, started.User);
        Compare("session", row.Session, started.Session);
        Compare("agent", row.Agent, started.Agent);
        if (row.Sequence == state.Sequence)
            Compare("agent version", row.AgentVersion, started.AgentVersion);
        Compare("ancestors", string.Join(' ', row.Ancestors), string.Join(' ', started.Parent?.Ancestors ?? []));
        Compare("labels", Show(row.Labels), Show(started.Labels));

        void Compare(string what, string? inRow, string? inJournal)
        {
            if (inRow != inJournal)
                Add(found, row, what, inRow, inJournal);
        }
    }

    private static void CompareBudget(RunInfo row, RunState state, IReadOnlyList<RunInfo> children, List<StoreProblem> found)
    {
        decimal rounding = Rounding * (state.Sequence + children.Sum(c => c.Sequence));
        Compare("spending", row.Spent, children.Aggregate(state.Spent, (sum, child) => sum + child.Spent));
        Compare("reservations", row.Reserved, children.Aggregate(state.Reserved, (sum, child) => sum + child.Reserved));

        void Compare(string what, BudgetAmount inRow, BudgetAmount inJournal)
        {
            BudgetAmount off = inRow - inJournal;
            if (off with { Usd = 0 } != BudgetAmount.Zero || Math.Abs(off.Usd) > rounding)
                Add(found, row, what, Show(inRow), Show(inJournal));
        }
    }

    private static void CompareQuestions(
        RunState state,
        IReadOnlyList<QuestionInfo> rows,
        IReadOnlyList<Signal> inbox,
        List<StoreProblem> found)
    {
        foreach (QuestionAsked asked in state.Questions)
        {
            if (rows.FirstOrDefault(r => r.Id == asked.Id) is not { } row)
                Add($"asks '{asked.Id}', and there is no row of that question");
            else if (row.Status != QuestionStatus.Open && !inbox.Any(s => s.Body is AnswerSignal answer && answer.Question == asked.Id))
                Add($"still asks '{asked.Id}', but its row is closed and no answer is in the inbox");
            else if (Difference(row, asked) is { } what)
                Add($"asks '{asked.Id}', but its row has another {what}");
        }

        foreach (QuestionInfo row in rows.Where(r => r.Status == QuestionStatus.Open && state.FindQuestion(r.Id) is null))
            Add($"does not ask '{row.Id}', but there is an open row of that question");

        void Add(string text) =>
            found.Add(new StoreProblem(state.Run, null, $"The journal of run {state.Run} {text}. The row was edited, or lost."));
    }

    private static IEnumerable<string> OpenIn(IReadOnlyList<QuestionInfo> rows) =>
        rows.Where(q => q.Status == QuestionStatus.Open).Select(q => q.Id).Order(StringComparer.Ordinal);

    private static string? Difference(QuestionInfo row, QuestionAsked asked)
    {
        if (row.Kind != asked.Kind || row.Tool != asked.Tool)
            return "kind or tool";
        if (!row.IsEdited && (row.Binding != asked.Binding || !SameJson(row.Arguments, asked.Arguments)))
            return "call to approve";
        if (row.Policy != asked.Policy || row.Needed != Math.Max(1, asked.Needed) || row.ExpiresAt != asked.ExpiresAt
            || row.Default != (asked.Default ?? Answer.Deny))
            return "policy";
        bool isHandedOver = row.Handovers.Count > 0;
        return !isHandedOver && (row.Assignee != asked.Assignee || !row.Roles.SequenceEqual(asked.Roles ?? [])) ? "decider" : null;
    }

    private static bool SameJson(JsonElement? left, JsonElement? right) =>
        left is { } a && right is { } b ? JsonElement.DeepEquals(a, b) : left is null && right is null;

    private static async ValueTask<RunInfo?> FindAsync(IStewardStore store, RunId run, CancellationToken cancellationToken) =>
        await store.FindAsync(new RunQuery { Run = run, Limit = 1 }, cancellationToken) is [var info] ? info : null;

    private static ValueTask<IReadOnlyList<RunInfo>> ChildrenAsync(IStewardStore store, RunId run, CancellationToken cancellationToken) =>
        store.FindAsync(new RunQuery { Parent = run, Limit = MostChildren }, cancellationToken);

    private static bool SameSequences(IReadOnlyList<RunInfo> before, IReadOnlyList<RunInfo> after) =>
        before.Select(r => (r.Run, r.Sequence, r.Spent, r.Reserved))
            .SequenceEqual(after.Select(r => (r.Run, r.Sequence, r.Spent, r.Reserved)));

    private static void Add(List<StoreProblem> found, RunInfo row, string what, string? inRow, string? inJournal) =>
        found.Add(
            new StoreProblem(row.Run, null,
                $"The {what} of run {row.Run} is '{inRow ?? "none"}' in its row and '{inJournal ?? "none"}' by its journal. "
                + "The row was edited."));

    private static string Show(IReadOnlyDictionary<string, string>? labels) =>
        string.Join(' ', (labels ?? new Dictionary<string, string>())
            .OrderBy(l => l.Key, StringComparer.Ordinal)
            .Select(l => $"{l.Key}={l.Value}"));

    private static string Show(BudgetAmount amount) => string.Create(
        CultureInfo.InvariantCulture,
        $"{amount.ModelCalls} model calls, {amount.ToolCalls} tool calls, {amount.Tokens} tokens, ${amount.Usd:0.#########}");
}
