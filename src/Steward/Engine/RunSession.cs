using System.Data.Common;
using Steward.Agents;
using Steward.Journal;
using Steward.State;
using Steward.Storage;
using Steward.Tools;

namespace Steward.Engine;

/// <summary>Why a run's work on this worker is interrupted.</summary>
internal enum Interruption
{
    None,

    /// <summary>The inbox asks for a cancel.</summary>
    Cancel,

    /// <summary>A kill switch was engaged.</summary>
    Kill,

    /// <summary>A later epoch has the run.</summary>
    LeaseLost,

    /// <summary>The worker is being stopped; the run is parked for the next one.</summary>
    Shutdown,
}

/// <summary>A claimed run in memory: its state, the facts that are not committed yet, and the lease.</summary>
/// <remarks>
/// Facts (results, verdicts) are noted and stay noted until a commit takes them. Intents are noted too, but a refused commit takes
/// them back: what was refused never happened. That is why a result and the next intent share one commit, and a refusal loses nothing.
/// </remarks>
internal sealed class RunSession : IDisposable
{
    private const double EffectShare = 0.8;

    private readonly IStewardStore _store;
    private readonly TimeProvider _time;
    private readonly IRunObserver _observer;
    private readonly List<JournalEntry> _entries = [];
    private readonly List<BudgetChange> _budget = [];
    private readonly List<Blob> _blobs = [];
    private readonly List<string> _consumes = [];
    private readonly List<RunStart> _starts = [];
    private readonly List<Signal> _sends = [];
    private readonly List<Feedback> _feedback = [];
    private readonly HashSet<string> _drained = [];
    private readonly CancellationTokenSource _interrupt = new();
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly RunState _loaded;
    private readonly WorkerLease _worker;
    private readonly AgentDefinition _definition;
    private readonly OrderedDictionary<string, IReadOnlyList<ToolDefinition>> _offered = new(StringComparer.Ordinal);
    private long _committed;
    private long _nextSnapshot;
    private bool _progress;

    public RunSession(
        IStewardStore store,
        AgentDefinition agent,
        Lease lease,
        WorkerLease worker,
        RunState state,
        TimeProvider time,
        IRunObserver observer,
        long snapshotAt = 0)
    {
        _store = store;
        _time = time;
        _observer = observer;
        _worker = worker;
        LeasedAt = worker.Now;
        _committed = state.Sequence;
        _nextSnapshot = Snapshots.NextAfter(snapshotAt);
        Agent = _definition = agent;
        Lease = lease;
        State = _loaded = state;
        SignalsPending = true;
        worker.Add(this);
    }

    /// <summary>The agent, with the tools that its sources offered to this run.</summary>
    public AgentDefinition Agent { get; private set; }

    /// <summary>The revision of each tool source when this session last looked.</summary>
    public Dictionary<string, int> Revisions { get; } = new(StringComparer.Ordinal);

    /// <summary>Whether the run's definition is not loaded here, so that it can only be ended.</summary>
    public bool IsDetached { get; init; }

    /// <summary>What is noted in place of what the loop notes, when a run is replayed.</summary>
    public IRunScript? Script { get; init; }

    public Lease Lease { get; }

    /// <summary>When the store was last asked for the lease, with success.</summary>
    public LeaseTime LeasedAt { get; set; }

    public RunState State { get; private set; }

    public bool SignalsPending { get; set; }

    public Interruption Interruption { get; private set; }

    /// <summary>The scope of the switch that interrupted the run.</summary>
    public string KilledBy { get; private set; } = "";

    /// <summary>Whether the worker wants to give the run back after the action in hand.</summary>
    public bool IsParkRequested { get; set; }

    /// <summary>Set where a replay knows that no model could be asked here, and what came of it.</summary>
    public StepResult? RecordedOutage { get; set; }

    /// <summary>Set where a replay knows which model was asked next.</summary>
    public (string Provider, string Model)? RecordedTarget { get; set; }

    /// <summary>Cancelled when the run's work must stop here; <see cref="Interruption"/> says why.</summary>
    public CancellationToken Interrupted => _interrupt.Token;

    /// <summary>What the store said when it had lost what it acknowledged to this
    /// session: an epoch that is no later, and a head that is behind.</summary>
    public AppendResult.Fenced? Backwards { get; private set; }

    /// <summary>How far the journal was acknowledged.</summary>
    public long Committed => _committed;

    public IRunObserver Observer => _observer;

    public DateTimeOffset Now => _time.GetUtcNow();

    /// <summary>Stops what is in flight. A lost lease outweighs everything; otherwise the first reason stays.</summary>
    public void Interrupt(Interruption reason)
    {
        if (Interruption == Interruption.None || reason == Interruption.LeaseLost)
            Interruption = reason;
        try
        {
            _interrupt.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // The worker has just left the run: there is nothing to stop any more.
        }
    }

    /// <summary>Stops what is in flight because of a kill switch.</summary>
    public void Kill(string scope)
    {
        KilledBy = scope;
        Interrupt(Interruption.Kill);
    }

    /// <summary>Folds a fact in and keeps it for the next commit.</summary>
    public void Note(RunEvent runEvent, Blob? blob = null, string? consumes = null)
    {
        RunState before = State;
        DateTimeOffset time = _time.GetUtcNow();
        if (Script is { } script)
            (runEvent, time) = script.Take(before, runEvent);
        var entry = JournalEntry.Create(before.Run, before.Sequence + 1, before.Head, runEvent, time);
        BudgetLedger.Collect(before, runEvent, entry.Time, _budget);
        State = before.Apply(entry);
        _entries.Add(entry);
        if (blob is not null)
            _blobs.Add(blob);
        if (consumes is not null)
            _consumes.Add(consumes);
        _progress |= runEvent is ModelReturned
            or ToolReturned
            or ToolFailed
            or ToolRejected
            or VerdictGiven
            or ToolResolved
            or QuestionAnswered
            or ModelFailed;
        if (ImplicitFeedback.Of(before, runEvent, entry.Time) is { } feedback)
            _feedback.Add(feedback);
        Script?.Noted(this);
    }

    /// <summary>Gives the agent what a source offers, in place of what the source offered before.</summary>
    public void Offer(IToolSource source, IReadOnlyList<OfferedTool> tools)
    {
        _offered[source.Name] = [.. tools.Select(t => t.Define(source))];
        Agent = _definition.With([.. _offered.Values.SelectMany(t => t)]);
    }

    /// <summary>Starts a child with the next commit.</summary>
    public void Start(RunStart child, Blob? definition)
    {
        _starts.Add(child);
        if (definition is not null)
            _blobs.Add(definition);
    }

    /// <summary>Sends a signal to another run with the next commit.</summary>
    public void Send(Signal signal) => _sends.Add(signal);

    /// <summary>Keeps feedback with the next commit.</summary>
    public void Add(Feedback feedback) => _feedback.Add(feedback);

    /// <summary>Where to return to when intents that are noted next are refused.</summary>
    public Bookmark Mark() => new(State, _entries.Count, _starts.Count, _blobs.Count, _feedback.Count, [.. _budget]);

    /// <summary>Takes back what was noted since the mark.</summary>
    public void TakeBack(Bookmark mark)
    {
        State = mark.State;
        _entries.RemoveRange(mark.Entries, _entries.Count - mark.Entries);
        _starts.RemoveRange(mark.Starts, _starts.Count - mark.Starts);
        _blobs.RemoveRange(mark.Blobs, _blobs.Count - mark.Blobs);
        _feedback.RemoveRange(mark.Feedback, _feedback.Count - mark.Feedback);
        _budget.Clear();
        _budget.AddRange(mark.Budget);
    }

    /// <summary>Records everything noted, in one transaction. When it is refused, nothing is recorded and nothing is taken back.</summary>
    /// <param name="startsEffect">Whether an effect starts once it is committed.</param>
    /// <param name="release">Gives the lease back, if set.</param>
    /// <param name="reason">Why the run is given back, in its row alone; otherwise the reason of its last transition.</param>
    public async ValueTask<AppendResult> CommitAsync(bool startsEffect, RunRelease? release = null, string? reason = null)
    {
        if (_entries.Count == 0 && release is null && !startsEffect)
            return AppendResult.Committed.Quiet;
        RunBatch batch = Batch(startsEffect, release);
        if (reason is not null)
            batch = batch with { Reason = reason };
        AppendResult result = await AppendAsync(batch);
        if (result is AppendResult.Committed committed)
        {
            if (batch.Snapshot is { } snapshot)
                _nextSnapshot = Snapshots.NextAfter(snapshot.Sequence);
            Accept(committed);
        }

        Notice(result);
        return result;
    }

    /// <summary>Has an effect done, and records its result with everything noted, in one
    /// transaction that a store lends to it. Refused, or failed, neither has happened.</summary>
    public async ValueTask<AppendResult> CommitWithAsync(
        ITransactionalStore store,
        Func<DbTransaction, ValueTask<(RunEvent Event, Blob? Blob)>> effect)
    {
        Bookmark mark = Mark();
        RunBatch? batch = null;
        AppendResult? result = null;
        try
        {
            result = await store.AppendAsync(
                async (transaction, _) =>
                {
                    TakeBack(mark); // What a first attempt noted, which was rolled back.
                    (RunEvent done, Blob? blob) = await effect(transaction);
                    Note(done, blob);
                    return batch = Batch(startsEffect: true, release: null);
                },
                CancellationToken.None);
        }
        catch (StoreException) when (batch is not null)
        {
            result = await ReadBackAsync(batch);
            if (result is null)
                throw;
        }
        finally
        {
            if (result is not AppendResult.Committed)
                TakeBack(mark);
        }

        if (result is AppendResult.Committed committed)
            Accept(committed);
        Notice(result);
        return result;
    }

    /// <summary>Takes the claim back when nothing else was noted and nothing was in flight before it. A run that was only looked at leaves
    /// no trace.</summary>
    public void ForgetClaim()
    {
        if (_entries is not [{ Event: RunClaimed }]
            || _loaded.Model is not null
            || _loaded.Calls.Any(c => c.Status == ToolCallStatus.Started))
            return;
        State = _loaded;
        _entries.Clear();
    }

    /// <summary>Signals that are in the inbox and have not been noted.</summary>
    public async ValueTask<IReadOnlyList<Signal>> DrainAsync(CancellationToken cancellationToken)
    {
        SignalsPending = false;
        IReadOnlyList<Signal> inbox = await _store.InboxAsync(State.Run, cancellationToken);
        return [.. inbox.Where(s => _drained.Add(s.Id))];
    }

    /// <summary>Reports that a question's time is up; the answer that it gets comes through the inbox, as every answer does.</summary>
    public async ValueTask<DecisionResult> ExpireAsync(QuestionAsked question)
    {
        DecisionResult result = await _store.DecideAsync(new Decision
        {
            Id = QuestionRules.Expiry,
            Run = State.Run,
            Question = question.Id,
            Answer = question.Default ?? Answer.Deny,
            By = QuestionRules.Expiry,
            IsExpiry = true,
        });
        SignalsPending = true;
        return result;
    }

    /// <summary>Makes sure that at least a fifth of the lease is left, so that an effect may start.</summary>
    /// <returns>False when the run was lost.</returns>
    public ValueTask<bool> EnsureLeaseAsync(CancellationToken cancellationToken) => HoldAsync(EffectShare, cancellationToken);

    /// <summary>Whether an effect whose intent is durable may start now. Asked at the
    /// last moment: the commit's answer may have taken longer than the lease.</summary>
    /// <returns>False when the run was lost or interrupted, or when the store does not say whether it was lost.</returns>
    public async ValueTask<bool> MayStartAsync()
    {
        try
        {
            return await EnsureLeaseAsync(Interrupted) && Interruption == Interruption.None;
        }
        catch (StoreException)
        {
            return false;
        }
        catch (OperationCanceledException) when (Interruption != Interruption.None)
        {
            return false;
        }
    }

    /// <summary>Whether the lease is still good for an effect, by this process's clocks alone: asked on the handler's thread just before
    /// it is entered, as the process may have stood still on the way there.</summary>
    public bool MayEnter => Interruption == Interruption.None && _worker.IsFresh(LeasedAt, EffectShare);

    /// <summary>How long the lease has more than a fifth left.</summary>
    public TimeSpan EffectTimeLeft => _worker.Left(LeasedAt, EffectShare);

    /// <summary>Prolongs the lease when a third of it is gone.</summary>
    /// <returns>False when the run was lost.</returns>
    public ValueTask<bool> RenewIfDueAsync(CancellationToken cancellationToken) => HoldAsync(1.0 / 3, cancellationToken);

    /// <summary>Ends when this worker has left the run.</summary>
    public Task Over => _over.Task;

    public void Dispose()
    {
        _worker.Remove(this);
        _over.TrySetResult();
        _interrupt.Dispose();
    }

    private async ValueTask<bool> HoldAsync(double share, CancellationToken cancellationToken)
    {
        if (!_worker.IsFresh(LeasedAt, share))
            await _worker.RenewAsync(this, share, cancellationToken);
        return Interruption != Interruption.LeaseLost;
    }

    private RunBatch Batch(bool startsEffect, RunRelease? release) => new()
    {
        Lease = Lease,
        ExpectedSequence = _committed,
        Entries = [.. _entries],
        Blobs = [.. _blobs],
        StartsEffect = startsEffect,
        Budget = [.. _budget],
        Consumes = [.. _consumes],
        Starts = _starts.Count == 0 ? [] : [.. _starts],
        Sends = _sends.Count == 0 ? [] : [.. _sends],
        Feedback = _feedback.Count == 0 ? [] : [.. _feedback],
        Status = State.Status,
        Reason = State.Reason,
        Progress = _progress,
        Release = release,
        Snapshot = State.Sequence >= _nextSnapshot && !State.Status.IsTerminal() ? Snapshots.Write(State) : null,
    };

    /// <summary>Appends; when the store fails in a way that leaves open
    /// whether it committed, reads back and goes by what is there.</summary>
    private async ValueTask<AppendResult> AppendAsync(RunBatch batch)
    {
        try
        {
            return await _store.AppendAsync(batch, CancellationToken.None);
        }
        catch (Exception e) when (e is not (ArgumentException or JournalException) && batch.Entries.Count > 0)
        {
            return await ReadBackAsync(batch) ?? throw new StoreException((e as StoreException)?.Failure ?? StoreFailure.Io, e.Message, e);
        }
    }

    private async ValueTask<AppendResult?> ReadBackAsync(RunBatch batch)
    {
        int at = 0;
        await foreach (JournalEntry entry in _store.ReadAsync(State.Run, batch.ExpectedSequence, CancellationToken.None))
        {
            if (at == batch.Entries.Count)
                return new AppendResult.Fenced(Lease.Epoch + 1, entry.Sequence);
            if (!entry.Hash.Span.SequenceEqual(batch.Entries[at++].Hash.Span))
                return new AppendResult.Fenced(Lease.Epoch + 1, entry.Sequence);
        }

        return at == batch.Entries.Count ? new AppendResult.Committed(SignalsPending: true, []) : null;
    }

    private void Accept(AppendResult.Committed committed)
    {
        _committed = State.Sequence;
        if (_entries.Count > 0)
            _observer.Committed(State, [.. _entries]);
        _entries.Clear();
        _budget.Clear();
        _blobs.Clear();
        _drained.ExceptWith(_consumes);
        _consumes.Clear();
        _starts.Clear();
        _sends.Clear();
        _feedback.Clear();
        _progress = false;
        SignalsPending |= committed.SignalsPending;
        foreach (BudgetAlert alert in committed.Alerts)
            Alert(alert);
    }

    private void Notice(AppendResult result)
    {
        if (result is AppendResult.Fenced fenced && fenced.Epoch <= Lease.Epoch && fenced.Sequence < _committed)
            Backwards = fenced;
    }

    private void Alert(BudgetAlert alert)
    {
        _observer.Alerted(State, alert);
        if (!State.Status.IsTerminal())
            Note(new BudgetAlerted(alert.Scope.Key, alert.Metric, alert.Threshold, alert.Used, alert.Ceiling));
    }

    internal readonly record struct Bookmark(RunState State, int Entries, int Starts, int Blobs, int Feedback, BudgetChange[] Budget);
}
