using System.Runtime.CompilerServices;
using Steward.Engine;
using Steward.Journal;
using Steward.State;
using Steward.Storage;

namespace Steward.Client;

/// <summary>A run, to wait for, to follow, and to talk to.</summary>
public sealed class RunHandle
{
    private const int LookBack = 16;

    private readonly IStewardStore _store;
    private readonly RunHub _hub;
    private readonly RunPoll _poll;
    private readonly IRunStreams _streams;
    private readonly TimeProvider _time;

    internal RunHandle(RunId id, IStewardStore store, RunHub hub, RunPoll poll, IRunStreams streams, TimeProvider time)
    {
        Id = id;
        _store = store;
        _hub = hub;
        _poll = poll;
        _streams = streams;
        _time = time;
    }

    /// <summary>The run's id.</summary>
    public RunId Id { get; }

    /// <summary>The run at a glance, or null when there is no such run.</summary>
    public async ValueTask<RunInfo?> GetInfoAsync(CancellationToken cancellationToken = default) =>
        (await _store.FindAsync(new RunQuery { Run = Id, Limit = 1 }, cancellationToken)) is [var info] ? info : null;

    /// <summary>The run's state: its journal, checked and folded.</summary>
    public ValueTask<RunState> GetStateAsync(CancellationToken cancellationToken = default) =>
        RunJournal.LoadAsync(_store, Id, cancellationToken);

    /// <summary>Follows the journal from the entry after a sequence, until the run has ended.</summary>
    /// <exception cref="StewardException">There is no such run.</exception>
    public async IAsyncEnumerable<JournalEntry> FollowAsync(
        long after = 0,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using RunPoll.Waiting waiting = _poll.Join(Id);
        while (true)
        {
            Task change = _hub.NextChange(Id);
            Task<RunLook?> poll = waiting.Next;
            bool isKnown = false;
            await foreach (JournalEntry entry in _store.ReadAsync(Id, after, cancellationToken))
            {
                after = entry.Sequence;
                isKnown = true;
                yield return entry;
                if (entry.Event is RunCompleted or RunFailed or RunCancelled)
                    yield break;
            }

            if (!isKnown && await GetInfoAsync(cancellationToken) is null)
                throw Unknown();
            while (await _poll.FirstAsync(change, poll, cancellationToken) == poll)
            {
                RunInfo info = (await poll)?.Info ?? throw Unknown();
                if (info.Sequence > after)
                    break;
                if (info.Status.IsTerminal() && info.Sequence == after)
                    yield break; // There was nothing to follow: it had ended there.
                if (info.Sequence < after)
                    break; // The journal went backwards: reading it says so.
                poll = waiting.Next;
            }
        }
    }

    /// <summary>Follows the run live: its entries after a sequence, in order, and between
    /// them the text of answers as it arrives, until the run has ended.</summary>
    /// <remarks>
    /// Entries (<see cref="EntryRead"/>) are complete. Text (<see cref="TextArrived"/>) is provisional: the
    /// <see cref="ModelReturned"/> of the same turn and attempt takes its place, or <see cref="TextSuperseded"/> says that
    /// none will. The pieces of an attempt that is heard from its beginning add up to that answer. A slow reader misses text
    /// and is told so (<see cref="UpdatesDropped"/>); of what another process works on, text is heard only with Orleans.
    /// </remarks>
    /// <exception cref="StewardException">There is no such run.</exception>
    public IAsyncEnumerable<RunUpdate> StreamAsync(long after = 0, CancellationToken cancellationToken = default) =>
        new RunStream().MergeAsync(
            FollowAttemptAsync(after, cancellationToken),
            _streams.FollowAsync(Id, cancellationToken),
            after,
            cancellationToken);

    /// <summary>Waits until the run has ended.</summary>
    public async Task<RunResult> WaitAsync(CancellationToken cancellationToken = default)
    {
        RunState state = RunState.Empty(Id);
        await foreach (JournalEntry entry in FollowAsync(0, cancellationToken))
            state = RunJournal.Fold(state, entry);
        return RunResult.Of(state);
    }

    /// <summary>Waits until the run has ended, or waits for somebody: look at the result's reason and questions.</summary>
    /// <remarks>
    /// A run waits for somebody when a person must answer it or one of its descendants (<see cref="RunResult.Questions"/> has its own;
    /// a child's are the child's), when it waits for a signal, when no model answers, or when a kill switch holds it:
    /// <see cref="RunResult.Reason"/> is then <see cref="Reasons.KillSwitch"/>. One that waits for working children or a time goes on
    /// by itself, and is waited for.
    /// </remarks>
    /// <exception cref="StewardException">There is no such run.</exception>
    public async Task<RunResult> WaitUntilSettledAsync(CancellationToken cancellationToken = default)
    {
        using RunPoll.Waiting waiting = _poll.Join(Id);
        Task<RunState?> settle = _hub.NextSettle(Id);
        Task<RunLook?> poll = waiting.Next;
        RunLook? look = await LookAsync(cancellationToken);
        while (true)
        {
            if (look is null)
                throw Unknown();
            if (await Settlement.HasSettledAsync(_store, look, cancellationToken))
                return await ResultAsync(look, cancellationToken);
            await _poll.FirstAsync(settle, poll, cancellationToken);
            if (settle.IsCompleted)
            {
                if (await settle is { } ended)
                    return RunResult.Of(ended);
                settle = _hub.NextSettle(Id);
                look = await LookAsync(cancellationToken);
            }
            else
            {
                look = await poll;
                poll = waiting.Next;
                if (look is { Held: not null })
                    look = await LookAsync(cancellationToken); // The poll may have begun before the switch was released.
            }
        }
    }

    /// <summary>Sends a further message of the user.</summary>
    /// <param name="text">The message.</param>
    /// <param name="signalId">Makes sending idempotent; null for a new id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public ValueTask<SignalResult> SendAsync(string text, string? signalId = null, CancellationToken cancellationToken = default) =>
        SignalAsync(new MessageSignal([new TextPart(text)]), signalId, cancellationToken);

    /// <summary>Sends a further message of several parts, for example a text and an attachment.</summary>
    /// <inheritdoc cref="SendAsync(string, string?, CancellationToken)"/>
    /// <exception cref="StewardException">An attachment is not there for the run's tenant, or there is no such run.</exception>
    public async ValueTask<SignalResult> SendAsync(
        IReadOnlyList<ContentPart> input,
        string? signalId = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(input);
        ArgumentOutOfRangeException.ThrowIfZero(input.Count, nameof(input));
        if (input.Any(part => part is BlobPart))
        {
            RunInfo info = await GetInfoAsync(cancellationToken) ?? throw Unknown();
            input = await Attachments.CheckedAsync(_store, info.Tenant, input, cancellationToken);
        }

        return await SignalAsync(new MessageSignal(input), signalId, cancellationToken);
    }

    /// <summary>Asks the run to stop.</summary>
    public ValueTask<SignalResult> CancelAsync(
        string by,
        string? reason = null,
        string? signalId = null,
        CancellationToken cancellationToken = default) =>
        SignalAsync(new CancelSignal(by, reason), signalId, cancellationToken);

    /// <summary>Tells the run that something has happened for which it may wait by name, now or later.</summary>
    public ValueTask<SignalResult> SignalAsync(
        string name,
        string? payload = null,
        string? signalId = null,
        CancellationToken cancellationToken = default) =>
        SignalAsync(new NamedSignal(name, payload), signalId, cancellationToken);

    /// <summary>Answers a question of the run. The first answer wins; later callers are told who was first.</summary>
    /// <exception cref="StewardException">A reply is not of the shape that was asked for.</exception>
    public ValueTask<DecisionResult> AnswerAsync(
        string question,
        Answer answer,
        string by,
        string? result = null,
        string? note = null,
        string? decisionId = null,
        CancellationToken cancellationToken = default) =>
        DecideAsync(
            new Decision
            {
                Id = decisionId ?? RunId.New(_time).ToString(),
                Run = Id,
                Question = question,
                Answer = answer,
                By = by,
                Result = result,
                Note = note,
            },
            cancellationToken);

    /// <summary>Takes a decision on a question of the run: approval, refusal, edited arguments, an answer.</summary>
    /// <exception cref="StewardException">Edited arguments or a reply are not of their schema.</exception>
    public async ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decision);
        DecisionResult result = await Decisions.TakeAsync(
            _store, decision with { Run = Id, Trace = decision.Trace ?? CallerTrace.Current }, cancellationToken);
        _hub.Notify(Id);
        return result;
    }

    /// <summary>Gives an open question to somebody else; only who may decide it can.</summary>
    public ValueTask<DecisionResult> ReassignAsync(
        string question,
        string by,
        string? assignee,
        IReadOnlyList<string>? roles = null,
        string? id = null,
        CancellationToken cancellationToken = default) =>
        ReassignAsync(new Reassignment(id ?? RunId.New(_time).ToString(), Id, question, by, assignee, roles), cancellationToken);

    /// <summary>Gives an open question to somebody else, with the giver's roles or as an administrator.</summary>
    public async ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reassignment);
        DecisionResult result = await _store.ReassignAsync(reassignment with { Run = Id }, cancellationToken);
        _hub.Notify(Id);
        return result;
    }

    /// <summary>The questions of the run that wait for a person.</summary>
    public ValueTask<IReadOnlyList<QuestionInfo>> GetQuestionsAsync(CancellationToken cancellationToken = default) =>
        _store.QuestionsAsync(new QuestionQuery { Run = Id }, cancellationToken);

    /// <summary>Gives feedback on the run, or on one of its messages.</summary>
    /// <returns>False when there is no such run.</returns>
    public ValueTask<bool> AddFeedbackAsync(
        string by,
        double? score = null,
        string? comment = null,
        int? turn = null,
        FeedbackKind kind = FeedbackKind.Explicit,
        string? id = null,
        CancellationToken cancellationToken = default)
    {
        if (score is < 0 or > 1 or double.NaN)
            throw new ArgumentOutOfRangeException(nameof(score), score, "A score is from 0 (useless) to 1 (perfect).");
        var feedback = new Feedback
        {
            Id = id ?? RunId.New(_time).ToString(),
            Run = Id,
            By = by,
            Score = score,
            Comment = comment,
            Turn = turn,
            Kind = kind,
            At = _time.GetUtcNow(),
        };
        return _store.AddFeedbackAsync(feedback, cancellationToken);
    }

    /// <summary>The journal from the entry that says which attempt was open
    /// after a sequence: looked for backwards, for it is near.</summary>
    private async IAsyncEnumerable<JournalEntry> FollowAttemptAsync(
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        long start = after;
        for (long window = LookBack; start > 0; window *= 4)
        {
            long from = Math.Max(0, after - window), found = from == 0 ? 1 : 0;
            await foreach (JournalEntry entry in _store.ReadAsync(Id, from, cancellationToken))
            {
                if (entry.Sequence > after)
                    break;
                if (entry.Event is ModelStarted or ModelReturned or ModelFailed)
                    found = entry.Sequence;
            }

            if (found == 0)
                continue;
            start = found - 1;
            break;
        }

        await foreach (JournalEntry entry in FollowAsync(start, cancellationToken))
            yield return entry;
    }

    private StewardException Unknown() => new($"There is no run {Id}: the id is wrong, or the run was pruned.");

    private async ValueTask<RunLook?> LookAsync(CancellationToken cancellationToken) =>
        await RunLook.FindAsync(_store, new RunQuery { Run = Id, Limit = 1 }, cancellationToken) is [var look] ? look : null;

    /// <summary>A run's last entry says how it ended, so a long journal need not be read and folded for that.</summary>
    private async ValueTask<RunResult> ResultAsync(RunLook look, CancellationToken cancellationToken)
    {
        RunInfo info = look.Info;
        if (!info.Status.IsTerminal())
            return RunResult.Of(await GetStateAsync(cancellationToken)).HeldBy(look.Held);
        RunEvent? outcome = null;
        await foreach (JournalEntry entry in _store.ReadAsync(Id, info.Sequence - 1, cancellationToken))
            outcome = entry.Event;
        return RunResult.Of(info, outcome);
    }

    private async ValueTask<SignalResult> SignalAsync(SignalBody body, string? signalId, CancellationToken cancellationToken)
    {
        SignalResult result = await _store.SignalAsync(
            new Signal(signalId ?? RunId.New(_time).ToString(), Id, body with { Trace = CallerTrace.Current }), cancellationToken);
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

    /// <summary>What went wrong, and the remedy, when it failed; what holds it (a kill switch) or
    /// which models it waits for, and why, while it waits.</summary>
    public string? Message { get; init; }

    /// <summary>Which validators proved it, with their evidence.</summary>
    public IReadOnlyList<string> ProvedBy { get; init; } = [];

    /// <summary>Questions that wait for a person.</summary>
    public IReadOnlyList<QuestionAsked> Questions { get; init; } = [];

    /// <summary>What it and its children spent.</summary>
    public BudgetAmount Spent { get; init; }

    internal static RunResult Of(RunState state) => new()
    {
        Run = state.Run,
        Status = state.Status,
        Reason = state.Reason,
        Output = state.Outcome is { } outcome ? OutputOf(outcome) : state.LastText,
        Message = MessageOf(state.Outcome)
            ?? (state is { Status: RunStatus.Awaiting, Reason: Reasons.ModelUnavailable } ? state.Outage?.Why : null),
        ProvedBy = ProofOf(state.Outcome),
        Questions = state.Questions,
        Spent = state.Spent + state.ChildrenSpent,
    };

    /// <summary>The result of a run that has ended, from its row and its last event.</summary>
    internal static RunResult Of(RunInfo ended, RunEvent? outcome) => new()
    {
        Run = ended.Run,
        Status = ended.Status,
        Reason = ended.Reason,
        Output = OutputOf(outcome),
        Message = MessageOf(outcome),
        ProvedBy = ProofOf(outcome),
        Spent = ended.Spent,
    };

    /// <summary>The result of a run that a kill switch holds; the same where none does.</summary>
    internal RunResult HeldBy(KillSwitch? held) => held is null ? this : this with
    {
        Reason = Reasons.KillSwitch,
        Message = $"The kill switch '{held.Scope}' is engaged by {held.By}{(held.Reason is { } why ? $" ({why})" : "")}; "
            + "the run goes on when it is released.",
    };

    /// <summary>The answer in an outcome; otherwise what there is of one.</summary>
    internal static string? OutputOf(RunEvent? outcome) => outcome switch
    {
        RunCompleted completed => completed.Output,
        RunFailed failed => failed.Partial,
        RunCancelled cancelled => cancelled.Partial,
        _ => null,
    };

    private static string? MessageOf(RunEvent? outcome) => (outcome as RunFailed)?.Message ?? (outcome as RunCancelled)?.Reason;

    private static IReadOnlyList<string> ProofOf(RunEvent? outcome) => (outcome as RunCompleted)?.ProvedBy ?? [];
}
