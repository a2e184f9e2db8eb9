using System.Runtime.CompilerServices;
using Steward.Budgets;
using Steward.Storage;

namespace Steward.Runs;

/// <summary>A run, to wait for, to follow, and to talk to.</summary>
public sealed class RunHandle
{
    private readonly IStewardStore _store;
    private readonly RunHub _hub;
    private readonly TimeSpan _pollInterval;
    private readonly TimeProvider _time;

    internal RunHandle(RunId id, IStewardStore store, RunHub hub, TimeSpan pollInterval, TimeProvider time)
    {
        Id = id;
        _store = store;
        _hub = hub;
        _pollInterval = pollInterval;
        _time = time;
    }

    /// <summary>The run's id.</summary>
    public RunId Id { get; }

    /// <summary>The run at a glance, or null when there is no such run.</summary>
    public async ValueTask<RunInfo?> GetInfoAsync(CancellationToken cancellationToken = default) =>
        (await _store.FindAsync(new RunQuery { Run = Id, Limit = 1 }, cancellationToken)) is [var info] ? info : null;

    /// <summary>The run's state: its journal, checked and folded.</summary>
    public ValueTask<RunState> GetStateAsync(CancellationToken cancellationToken = default) => RunJournal.LoadAsync(_store, Id, cancellationToken);

    /// <summary>Follows the journal from the entry after a sequence, until the run has ended.</summary>
    public async IAsyncEnumerable<JournalEntry> FollowAsync(long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task change = _hub.NextChange(Id);
            await foreach (JournalEntry entry in _store.ReadAsync(Id, after, cancellationToken))
            {
                after = entry.Sequence;
                yield return entry;
                if (entry.Event is RunCompleted or RunFailed or RunCancelled)
                    yield break;
            }

            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(change, Task.Delay(_pollInterval, _time, cancel.Token));
            await cancel.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Waits until the run has ended.</summary>
    public async Task<RunResult> WaitAsync(CancellationToken cancellationToken = default)
    {
        RunState state = RunState.Empty(Id);
        await foreach (JournalEntry entry in FollowAsync(0, cancellationToken))
            state = RunJournal.Fold(state, entry);
        return RunResult.Of(state);
    }

    /// <summary>Waits until the run has ended, or waits for somebody: look at the result's questions.</summary>
    public async Task<RunResult> WaitUntilSettledAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            Task change = _hub.NextChange(Id);
            RunInfo info = await GetInfoAsync(cancellationToken) ?? throw new StewardException($"There is no run {Id}.");
            if (info.Status.IsTerminal() || (info.Status == RunStatus.Awaiting && info.Worker is null))
                return RunResult.Of(await GetStateAsync(cancellationToken));
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            await Task.WhenAny(change, Task.Delay(_pollInterval, _time, cancel.Token));
            await cancel.CancelAsync();
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    /// <summary>Sends a further message of the user.</summary>
    /// <param name="text">The message.</param>
    /// <param name="signalId">Makes sending idempotent; null for a new id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<SignalResult> SendAsync(string text, string? signalId = null, CancellationToken cancellationToken = default) =>
        SignalAsync(new MessageSignal([new TextPart(text)]), signalId, cancellationToken);

    /// <summary>Asks the run to stop.</summary>
    public ValueTask<SignalResult> CancelAsync(string by, string? reason = null, string? signalId = null, CancellationToken cancellationToken = default) =>
        SignalAsync(new CancelSignal(by, reason), signalId, cancellationToken);

    /// <summary>Answers a question of the run. The first answer wins; a later one is journaled as ignored.</summary>
    public ValueTask<SignalResult> AnswerAsync(string question, Answer answer, string by, string? result = null, string? note = null, string? signalId = null, CancellationToken cancellationToken = default) =>
        SignalAsync(new AnswerSignal(question, answer, by, result, note), signalId, cancellationToken);

    private async ValueTask<SignalResult> SignalAsync(SignalBody body, string? signalId, CancellationToken cancellationToken)
    {
        SignalResult result = await _store.SignalAsync(new Signal(signalId ?? RunId.New(_time).ToString(), Id, body), cancellationToken);
        _hub.Notify(Id);
        return result;
    }
}

/// <summary>How a run stands or ended.</summary>
public sealed record RunResult
{
    /// <summary>The run.</summary>
    public required RunId Run { get; init; }

    /// <summary>Its status.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Why.</summary>
    public required string Reason { get; init; }

    /// <summary>The answer of a completed run; otherwise what there is of one.</summary>
    public string? Output { get; init; }

    /// <summary>What went wrong, and the remedy, when it failed.</summary>
    public string? Message { get; init; }

    /// <summary>Which validators proved it, with their evidence.</summary>
    public IReadOnlyList<string> ProvedBy { get; init; } = [];

    /// <summary>Questions that wait for a person.</summary>
    public IReadOnlyList<QuestionAsked> Questions { get; init; } = [];

    /// <summary>What it spent.</summary>
    public BudgetAmount Spent { get; init; }

    internal static RunResult Of(RunState state) => new()
    {
        Run = state.Run,
        Status = state.Status,
        Reason = state.Reason,
        Output = state.Outcome switch
        {
            RunCompleted completed => completed.Output,
            RunFailed failed => failed.Partial,
            RunCancelled cancelled => cancelled.Partial,
            _ => state.LastText,
        },
        Message = (state.Outcome as RunFailed)?.Message ?? (state.Outcome as RunCancelled)?.Reason,
        ProvedBy = (state.Outcome as RunCompleted)?.ProvedBy ?? [],
        Questions = state.Questions,
        Spent = state.Spent,
    };
}
