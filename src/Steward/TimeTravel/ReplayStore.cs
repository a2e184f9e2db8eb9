using System.Data.Common;
using System.Runtime.CompilerServices;
using Steward.Journal;
using Steward.Storage;

namespace Steward.TimeTravel;

/// <summary>The gate of a replay, in memory: it lets pass what was recorded, refuses
/// where the gate refused, and stops where the recording parts from what comes.</summary>
internal sealed class ReplayStore(ReplayTape tape, ReplayExecutor executor, RunId run) : IStewardStore, ITransactionalStore
{
    private const int MaxRefusals = 8;

    private int _refusals;

    /// <summary>What is durable in the replay and not yet folded by <see cref="Replayer"/>.</summary>
    public List<JournalEntry> Entries { get; } = [];

    public ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default)
    {
        int accepted = 0;
        foreach (JournalEntry entry in batch.Entries)
        {
            if (tape.At(entry.Sequence) is not { } recorded)
                return new(Lose(batch, accepted));
            if (tape.Differs(entry.Sequence) is { } noted)
            {
                if (Refusal(batch, recorded) is { } refused)
                    return new(refused);
                if (recorded is not RunClaimed)
                    tape.Diverge(entry.Sequence, ReplayEquality.Describe(noted));
                return new(Lose(batch, accepted));
            }

            accepted++;
        }

        return new(Commit(batch));
    }

    public ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId of, CancellationToken cancellationToken = default)
    {
        List<Signal> inbox = [];
        long sequence = tape.Session?.State.Sequence ?? tape.Position;
        while (of == run && tape.At(++sequence) is { } next && ReplaySignals.Of(run, next) is { } signal)
            inbox.Add(signal);
        return new(inbox);
    }

    /// <summary>A question's time is up when that was recorded next; the answer comes through the inbox.</summary>
    public ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default) =>
        new(
            new DecisionResult(tape.At((tape.Session?.State.Sequence ?? 0) + 1) is QuestionAnswered answered
                && answered.Id == decision.Question ? DecisionStatus.Expired : DecisionStatus.NotDue, null));

    public ValueTask<IReadOnlyList<Lease>> RenewAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken = default) => new([.. leases]);

    /// <summary>The effect's result is recorded: there is nothing to write, and so no transaction.</summary>
    public async ValueTask<AppendResult> AppendAsync(
        Func<DbTransaction, CancellationToken, ValueTask<RunBatch>> work,
        CancellationToken cancellationToken = default) =>
        await AppendAsync(await work(null!, cancellationToken), cancellationToken);

    public async IAsyncEnumerable<JournalEntry> ReadAsync(
        RunId of,
        long after = 0,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await ValueTask.CompletedTask; // Other runs' journals are for validators, which are not asked.
        yield break;
    }

    public ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(QuestionQuery query, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default) =>
        throw NotReplayed();

    public ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(
        string prefix = "",
        int limit = 1_000,
        CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default) => throw NotReplayed();

    public ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default) => throw NotReplayed();

    public object? GetService(Type serviceType, object? key = null) => key is null && serviceType.IsInstanceOfType(this) ? this : null;

    public ValueTask DisposeAsync() => default;

    private AppendResult.Committed Commit(RunBatch batch)
    {
        Accept(batch, batch.Entries.Count);
        _refusals = 0;
        List<BudgetAlert> alerts = [];
        long next = tape.Position + 1;
        for (; tape.At(next) is BudgetAlerted alert; next++)
            alerts.Add(new BudgetAlert(new BudgetScope(alert.Scope), alert.Metric, alert.Threshold, alert.Used, alert.Ceiling));
        executor.Release();
        return new AppendResult.Committed(tape.At(next) is { } after && ReplaySignals.Of(run, after) is not null, alerts);
    }

    /// <summary>What was recorded before the end came is durable; the rest never was.</summary>
    private AppendResult.Fenced Lose(RunBatch batch, int accepted)
    {
        Accept(batch, accepted);
        return new AppendResult.Fenced(batch.Lease.Epoch + 1, tape.Position);
    }

    private void Accept(RunBatch batch, int count)
    {
        Entries.AddRange(batch.Entries.Take(count));
        tape.Position += count;
        tape.MoveClock(tape.Position + 1);
    }

    /// <summary>The gate's refusal that was recorded where an effect was about to start; null when none was.</summary>
    private AppendResult? Refusal(RunBatch batch, RunEvent recorded)
    {
        if (!batch.StartsEffect || ++_refusals > MaxRefusals)
            return null;
        return recorded switch
        {
            // What was left counts. No reservation is reported as pending, so that the replay does not wait for one.
            BudgetRefused e => new AppendResult.OverBudget(
                new BudgetShortfall(new BudgetScope(e.Scope), e.Metric, e.Ceiling, Math.Min(e.Ceiling, e.Spent + e.Reserved), 0, e.Asked)),
            ToolRejected { Reason: ToolRejection.Budget } =>
                new AppendResult.OverBudget(new BudgetShortfall(BudgetScope.Global, BudgetMetric.ToolCalls, 0, 0, 0, 1)),
            StateChanged { Reason: Reasons.KillSwitch } e =>
                new AppendResult.Killed(new KillSwitch(e.Detail ?? "global", "recorded", null, default)),
            _ => null,
        };
    }

    private static NotSupportedException NotReplayed() => new("A run never asks this of its store, so a replay does not answer it.");
}
