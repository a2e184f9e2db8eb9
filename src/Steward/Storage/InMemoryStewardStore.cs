using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Steward.Journal;
using Steward.Storage.InMemory;

namespace Steward.Storage;

/// <summary>The whole contract in memory: for tests, demonstrations, and runs that may die with their process.</summary>
/// <remarks>
/// One lock, and everything inside it is synchronous: each method is one transaction. The rules are <see cref="Gate"/>'s;
/// only the rows are kept, in <c>Storage/InMemory</c>. Nothing is changed before everything has been checked, so a refusal leaves no trace.
/// </remarks>
public sealed class InMemoryStewardStore(TimeProvider time, StoreLimits? limits = null) : StewardStore(limits ?? new StoreLimits())
{
    private static readonly AppendResult s_signalsPending = new AppendResult.Committed(true, []);

    private readonly Lock _lock = new();
    private readonly StoredRuns _runs = new();
    private readonly ScopeBudgets _budgets = new();
    private readonly SwitchBoard _switches = new();
    private readonly LimitBook _concurrency = new();
    private readonly Dictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private bool _closed;

    /// <inheritdoc/>
    protected override ValueTask<StartResult> StartCoreAsync(RunStart start, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Start(start));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<SignalResult> SignalCoreAsync(Signal signal, byte[] body, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Put(signal));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<Claim>> ClaimCoreAsync(ClaimRequest request, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            DateTimeOffset now = time.GetUtcNow();
            return new([.. FindClaimable(request, now).Select(run => Take(run, request, now))]);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<Lease>> RenewCoreAsync(
        string worker,
        IReadOnlyCollection<Lease> leases,
        TimeSpan duration,
        CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            List<Lease> held = [];
            foreach (Lease lease in leases)
            {
                if (!_runs.TryFind(lease.Run, out StoredRun? run) || run.Record.Epoch != lease.Epoch || run.Record.Worker != worker
                    || lease.Worker != worker)
                    continue;
                _runs.Save(run, run.Record with { ClaimableAt = time.GetUtcNow() + duration });
                held.Add(lease);
            }

            return new(held);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<RunAttention>> WatchCoreAsync(string worker, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            List<RunAttention>? found = null;
            foreach (StoredRun run in _runs.HeldBy(worker))
            {
                KillSwitch? killed = _switches.Over(run.Record);
                if (killed is not null || run.Inbox.Count > 0)
                    (found ??= []).Add(new RunAttention(run.Record.Run, run.Inbox.Count > 0, killed));
            }

            return new(found is null ? [] : found);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<AppendResult> AppendCoreAsync(RunBatch batch, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_runs.TryFind(batch.Lease.Run, out StoredRun? run))
                return new(new AppendResult.Fenced(0, 0));
            return new(Refuse(batch, run, out IReadOnlyList<ToolSlot> slots) ?? Commit(batch, run, slots));
        }
    }

    /// <inheritdoc/>
    protected override async IAsyncEnumerable<JournalEntry> ReadCoreAsync(
        RunId run,
        long after,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (JournalEntry entry in EntriesAfter(run, after))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }

        cancellationToken.ThrowIfCancellationRequested();
        await ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_runs.TryFind(run, out StoredRun? row) ? row.Inbox.ToArray() : []);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<RunInfo>> FindCoreAsync(RunQuery query, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            if (query.Run is { } id)
                return new(query.Limit > 0 && _runs.TryFind(id, out StoredRun? only) && only.IsWantedBy(query) ? [only.ToInfo()] : []);
            List<RunInfo> found = [];
            for (int i = _runs.ByAge.Count - 1; i >= 0 && found.Count < query.Limit; i--)
            {
                if (_runs.ByAge[i].IsWantedBy(query))
                    found.Add(_runs.ByAge[i].ToInfo());
            }

            return new(found);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<DecisionResult> DecideCoreAsync(Decision decision, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Change(
                decision.Run, decision.Question, (question, now) =>
                    (QuestionRules.Decide(question, decision, now, out Signal? signal), signal)));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<DecisionResult> ReassignCoreAsync(Reassignment reassignment, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Change(
                reassignment.Run,
                reassignment.Question,
                (question, now) => (QuestionRules.Reassign(question, reassignment, now, out Signal? signal), signal)));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<QuestionInfo>> QuestionsCoreAsync(QuestionQuery query, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            IEnumerable<StoredRun> runs = query.Run is { } id ? _runs.TryFind(id, out StoredRun? only) ? [only] : [] : _runs.ByAge;
            return new([.. runs.SelectMany(r => r.Questions)
                .Where(q => (query.Id is null || q.Id == query.Id)
                    && (query.Tenant is null || q.Tenant == query.Tenant)
                    && (query.Status is null || q.Status == query.Status))
                .OrderBy(q => q.AskedAt)
                .Take(query.Limit)]);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> AddFeedbackCoreAsync(Feedback feedback, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Keep(feedback));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<Feedback>> FeedbackCoreAsync(FeedbackQuery query, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new([.. _runs.ByAge
                .Where(r => (query.Run is null || r.Record.Run == query.Run)
                    && (query.Agent is null || r.Record.Agent == query.Agent)
                    && (query.Tenant is null || r.Record.Tenant == query.Tenant))
                .SelectMany(r => r.Feedback)
                .OrderByDescending(f => f.At)
                .Take(query.Limit)]);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask PutCoreAsync(Blob blob, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            Keep(blob);
            return default;
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<ReadOnlyMemory<byte>?> GetCoreAsync(string hash, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_blobs.TryGetValue(hash, out byte[]? content) ? new ReadOnlyMemory<byte>(content) : default(ReadOnlyMemory<byte>?));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> EngageCoreAsync(KillSwitch killSwitch, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_switches.Engage(killSwitch));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<bool> ReleaseCoreAsync(string scope, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            if (_switches.Release(scope) is not { } released)
                return new(false);
            DateTimeOffset now = time.GetUtcNow();
            foreach (StoredRun run in _runs.ByAge)
            {
                if (ReleaseRules.Wakes(run.Record, released))
                    _runs.Wake(run, now);
            }

            return new(true);
        }
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_switches.Engaged);
        }
    }

    /// <inheritdoc/>
    protected override ValueTask SetCeilingsCoreAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            _budgets.SetCeilings(scope, ceilings);
            return default;
        }
    }

    /// <inheritdoc/>
    protected override ValueTask<IReadOnlyList<BudgetInfo>> BudgetsCoreAsync(string prefix, int limit, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_budgets.List(prefix, limit));
        }
    }

    /// <inheritdoc/>
    protected override ValueTask SetLimitsCoreAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            _concurrency.Set(scope, limits);
            return default;
        }
    }

    /// <inheritdoc/>
    public override ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_concurrency.List(_runs, time.GetUtcNow()));
        }
    }

    /// <summary>Closes the store; what it held is gone.</summary>
    public override ValueTask DisposeAsync()
    {
        lock (_lock)
            _closed = true;
        return default;
    }

    private StartResult Start(RunStart start)
    {
        RunStarted started = start.Started;
        if (started.Key is { } key && _runs.TryFind(started.Tenant, key, out StoredRun? known))
            return new StartResult(known.Record.Run, Created: false);
        return _runs.TryFind(start.Run, out known)
            ? StartRules.Again(start, known.Record.Tenant, known.Started.Key)
            : Create(start, started);
    }

    private StartResult Create(RunStart start, RunStarted started)
    {
        List<RunRecord> active = StartRules.HeedsOthers(start) ? _runs.ActiveOf(started.Tenant, started.Session!) : [];
        if (StartRules.Refuse(start, active) is { } busy)
            return busy;
        DateTimeOffset now = time.GetUtcNow();
        if (StartRules.IsCounted(start) && _concurrency.CheckQueue(_runs, started.Tenant, now) is { } full)
            return new StartResult(start.Run, Created: false) { Full = full };
        foreach (Signal cancel in StartRules.Cancels(start, active))
            Put(cancel);
        if (start.Definition is { } definition)
            Keep(definition);
        _budgets.Open(_runs.Add(start, queued: active.Count > 0, now), start.SessionCeilings);
        return new StartResult(start.Run, Created: true);
    }

    /// <summary>When a run of a session has ended, the next in its queue begins.</summary>
    private void Advance(RunRecord ended, DateTimeOffset now)
    {
        if (!StartRules.IsOfSession(ended) || StartRules.Next(_runs.ActiveOf(ended.Tenant, ended.Session!)) is not { } next)
            return;
        if (_runs.TryFind(next.Run, out StoredRun? run))
            _runs.Save(run, next with { Queued = false, ClaimableAt = next.Worker is null ? now : next.ClaimableAt });
    }

    private SignalResult Put(Signal signal)
    {
        if (!_runs.TryFind(signal.Run, out StoredRun? run))
            return SignalResult.UnknownRun;
        if (run.Inbox.HasSeen(signal.Id))
            return SignalResult.Duplicate;
        if (run.Record.Status.IsTerminal())
            return SignalResult.RunEnded;
        run.Inbox.Add(signal);
        if (ReleaseRules.Wakes(run.Record, signal))
            _runs.Wake(run, time.GetUtcNow());
        return SignalResult.Accepted;
    }

    private DecisionResult Change(
        RunId id,
        string question,
        Func<QuestionInfo, DateTimeOffset, (DecisionResult Result, Signal? Signal)> change)
    {
        if (!_runs.TryFind(id, out StoredRun? run) || run.Questions.FindIndex(q => q.Id == question) is not (>= 0 and int at))
            return DecisionResult.Unknown;
        (DecisionResult result, Signal? signal) = change(run.Questions[at], time.GetUtcNow());
        run.Questions[at] = result.Question ?? run.Questions[at];
        if (signal is not null)
            Put(signal);
        return result;
    }

    private static void FollowQuestions(RunBatch batch, StoredRun run, DateTimeOffset now)
    {
        List<QuestionInfo> open = QuestionRules.MayClose(batch) ? run.Questions.FindAll(q => q.Status == QuestionStatus.Open) : [];
        QuestionChanges changes = QuestionRules.Follow(batch, run.Record, open, now);
        foreach (QuestionInfo withdrawn in changes.Withdrawn)
            run.Questions[run.Questions.FindIndex(q => q.Id == withdrawn.Id)] = withdrawn;
        run.Questions.AddRange(changes.Asked);
    }

    private List<StoredRun> FindClaimable(ClaimRequest request, DateTimeOffset now)
    {
        if (request.Run is { } id)
        {
            return _runs.TryFind(id, out StoredRun? only) && only.Record.ClaimableAt <= now && MayClaim(only)
                ? _runs.Admit([only], now, 1, _concurrency.Table)
                : [];
        }

        return _runs.NextClaimable(now, request.Max, _concurrency.Table, MayClaim);

        bool MayClaim(StoredRun run) =>
            request.IsFor(run.Record.Agent, run.Record.AgentVersion, run.Record.ClaimableAt!.Value, now)
            && (run.Inbox.Count > 0 || _switches.Over(run.Record) is null);
    }

    private Claim Take(StoredRun run, ClaimRequest request, DateTimeOffset now)
    {
        _runs.Save(run, run.Record with
        {
            Epoch = run.Record.Epoch + 1,
            Attempts = run.Record.Attempts + 1,
            Worker = request.Worker,
            ClaimableAt = now + request.Duration,
            UpdatedAt = now,
        });
        return new Claim
        {
            Lease = new Lease(run.Record.Run, run.Record.Epoch, request.Worker),
            Info = run.ToInfo(),
            Attempt = run.Record.Attempts,
            Snapshot = run.Snapshot,
        };
    }

    /// <summary>Everything that can stand against a batch, in the gate's order; null when nothing does.</summary>
    private AppendResult? Refuse(RunBatch batch, StoredRun run, out IReadOnlyList<ToolSlot> slots)
    {
        slots = run.Record.Slots;
        if (Gate.CheckLease(batch, run.Record) is { } fenced)
            return fenced;
        if (batch.Entries is [JournalEntry first, ..])
            first.Verify(run.Record.HeadHash);
        run.Inbox.Check(batch.Consumes, run.Record.Run);
        if (batch.StartsEffect && _switches.Over(run.Record) is { } killSwitch)
            return new AppendResult.Killed(killSwitch);
        if (_budgets.Check(batch.Budget, run) is { } shortfall)
            return new AppendResult.OverBudget(shortfall);
        return _concurrency.CheckSlots(_runs, batch, run, time.GetUtcNow(), out slots);
    }

    private AppendResult Commit(RunBatch batch, StoredRun run, IReadOnlyList<ToolSlot> slots)
    {
        DateTimeOffset now = time.GetUtcNow();
        foreach (Blob blob in batch.Blobs)
            Keep(blob);
        for (int i = 0; i < batch.Entries.Count; i++)
            run.Entries.Add(batch.Entries[i]);
        run.Inbox.Consume(batch.Consumes);
        List<BudgetAlert>? alerts = null;
        for (int i = 0; i < batch.Budget.Count; i++)
            _budgets.Draw(run, batch.Budget[i], ref alerts);
        FollowQuestions(batch, run, now);
        foreach (RunStart start in batch.Starts)
            Start(start);
        foreach (Signal signal in batch.Sends)
            Put(signal);
        foreach (Feedback feedback in batch.Feedback)
            Keep(feedback);
        if (batch.Snapshot is { } snapshot)
            run.Snapshot = snapshot with { Data = snapshot.Data.ToArray() };

        bool pending = run.Inbox.Count > 0;
        RunRecord held = ReferenceEquals(slots, run.Record.Slots) ? run.Record : run.Record with { Slots = slots };
        _runs.Save(run, ReleaseRules.After(held, batch, pending, now));
        if (batch.Status.IsTerminal())
            Advance(run.Record, now);
        if (alerts is not null)
            return new AppendResult.Committed(pending, alerts);
        return pending ? s_signalsPending : AppendResult.Committed.Quiet;
    }

    private void Keep(Blob blob)
    {
        ref byte[]? content = ref CollectionsMarshal.GetValueRefOrAddDefault(_blobs, blob.Hash, out bool there);
        if (!there)
            content = blob.Content.ToArray();
    }

    private bool Keep(Feedback feedback)
    {
        if (!_runs.TryFind(feedback.Run, out StoredRun? run))
            return false;
        if (run.Feedback.TrueForAll(f => f.Id != feedback.Id))
            run.Feedback.Add(feedback);
        return true;
    }

    private JournalEntry[] EntriesAfter(RunId id, long after)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return _runs.TryFind(id, out StoredRun? run) && after < run.Entries.Count
                ? [.. CollectionsMarshal.AsSpan(run.Entries)[(int)after..]]
                : [];
        }
    }

    private void ThrowIfClosed()
    {
        if (_closed)
            throw new StoreException(StoreFailure.Closed, "The in-memory store was closed; what it held is gone. Make a new one.");
    }
}
