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
public sealed class InMemoryStewardStore(TimeProvider time, StoreLimits? limits = null) : IStewardStore
{
    private static readonly AppendResult s_signalsPending = new AppendResult.Committed(true, []);

    private readonly Lock _lock = new();
    private readonly StoreLimits _limits = limits ?? new StoreLimits();
    private readonly RunRows _runs = new();
    private readonly BudgetBook _budgets = new();
    private readonly SwitchBoard _switches = new();
    private readonly LimitBook _concurrency = new();
    private readonly Dictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private bool _closed;

    /// <inheritdoc/>
    public ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        cancellationToken.ThrowIfCancellationRequested();
        Gate.CheckShape(start, _limits);
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Start(start));
        }
    }

    /// <inheritdoc/>
    public ValueTask<SignalResult> SignalAsync(Signal signal, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(signal);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Put(signal));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Claim>> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        request.Validate();
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            DateTimeOffset now = time.GetUtcNow();
            return new([.. FindClaimable(request, now).Select(run => Take(run, request, now))]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Lease>> RenewAsync(string worker, IReadOnlyCollection<Lease> leases, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(worker);
        ArgumentNullException.ThrowIfNull(leases);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            List<Lease> held = [];
            foreach (Lease lease in leases)
            {
                if (!_runs.TryFind(lease.Run, out RunRow? run) || run.Epoch != lease.Epoch || run.Worker != worker || lease.Worker != worker)
                    continue;
                _runs.SetClaimable(run, time.GetUtcNow() + duration);
                held.Add(lease);
            }

            return new(held);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunAttention>> WatchAsync(string worker, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(worker);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            List<RunAttention>? found = null;
            foreach (RunRow run in _runs.HeldBy(worker))
            {
                KillSwitch? killed = _switches.Over(run);
                if (killed is not null || run.Inbox.Count > 0)
                    (found ??= []).Add(new RunAttention(run.Id, run.Inbox.Count > 0, killed));
            }

            return new(found is null ? [] : found);
        }
    }

    /// <inheritdoc/>
    public ValueTask<AppendResult> AppendAsync(RunBatch batch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(batch);
        cancellationToken.ThrowIfCancellationRequested();
        Gate.CheckShape(batch, _limits);
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_runs.TryFind(batch.Lease.Run, out RunRow? run))
                return new(new AppendResult.Fenced(0, 0));
            return new(Refuse(batch, run, out IReadOnlyList<ToolSlot> slots) ?? Commit(batch, run, slots));
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<JournalEntry> ReadAsync(RunId run, long after = 0, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        foreach (JournalEntry entry in EntriesAfter(run, after))
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return entry;
        }

        cancellationToken.ThrowIfCancellationRequested();
        await ValueTask.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Signal>> InboxAsync(RunId run, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_runs.TryFind(run, out RunRow? row) ? row.Inbox.ToArray() : []);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<RunInfo>> FindAsync(RunQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (query.Run is { } id)
                return new(query.Limit > 0 && _runs.TryFind(id, out RunRow? only) && only.IsWantedBy(query) ? [only.ToInfo()] : []);
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
    public ValueTask<DecisionResult> DecideAsync(Decision decision, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(decision);
        ArgumentException.ThrowIfNullOrEmpty(decision.Id);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_runs.TryFind(decision.Run, out RunRow? run) || run.Questions.FindIndex(q => q.Id == decision.Question) is not (>= 0 and int at))
                return new(DecisionResult.Unknown);
            DecisionResult result = QuestionRules.Decide(run.Questions[at], decision, time.GetUtcNow(), out Signal? signal);
            run.Questions[at] = result.Question ?? run.Questions[at];
            if (signal is not null)
                Put(signal);
            return new(result);
        }
    }

    /// <inheritdoc/>
    public ValueTask<DecisionResult> ReassignAsync(Reassignment reassignment, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(reassignment);
        ArgumentException.ThrowIfNullOrEmpty(reassignment.Id);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_runs.TryFind(reassignment.Run, out RunRow? run) || run.Questions.FindIndex(q => q.Id == reassignment.Question) is not (>= 0 and int at))
                return new(DecisionResult.Unknown);
            DecisionResult result = QuestionRules.Reassign(run.Questions[at], reassignment, time.GetUtcNow(), out Signal? signal);
            run.Questions[at] = result.Question ?? run.Questions[at];
            if (signal is not null)
                Put(signal);
            return new(result);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<QuestionInfo>> QuestionsAsync(QuestionQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            IEnumerable<RunRow> runs = query.Run is { } id ? _runs.TryFind(id, out RunRow? only) ? [only] : [] : _runs.ByAge;
            return new([.. runs.SelectMany(r => r.Questions)
                .Where(q => (query.Id is null || q.Id == query.Id) && (query.Tenant is null || q.Tenant == query.Tenant) && (query.Status is null || q.Status == query.Status))
                .OrderBy(q => q.AskedAt)
                .Take(query.Limit)]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> AddFeedbackAsync(Feedback feedback, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(feedback);
        ArgumentException.ThrowIfNullOrEmpty(feedback.Id);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(Keep(feedback));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<Feedback>> FeedbackAsync(FeedbackQuery query, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(query);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new([.. _runs.ByAge
                .Where(r => (query.Run is null || r.Id == query.Run) && (query.Agent is null || r.Started.Agent == query.Agent) && (query.Tenant is null || r.Started.Tenant == query.Tenant))
                .SelectMany(r => r.Feedback)
                .OrderByDescending(f => f.At)
                .Take(query.Limit)]);
        }
    }

    /// <inheritdoc/>
    public ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blob);
        cancellationToken.ThrowIfCancellationRequested();
        Gate.CheckShape(blob, _limits);
        lock (_lock)
        {
            ThrowIfClosed();
            Keep(blob);
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<ReadOnlyMemory<byte>?> GetAsync(string hash, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(hash);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_blobs.TryGetValue(hash, out byte[]? content) ? new ReadOnlyMemory<byte>(content) : default(ReadOnlyMemory<byte>?));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> EngageAsync(KillSwitch killSwitch, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(killSwitch);
        cancellationToken.ThrowIfCancellationRequested();
        string scope = KillSwitch.ParseScope(killSwitch.Scope);
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_switches.Engage(killSwitch with { Scope = scope }));
        }
    }

    /// <inheritdoc/>
    public ValueTask<bool> ReleaseAsync(string scope, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(scope);
        cancellationToken.ThrowIfCancellationRequested();
        scope = KillSwitch.ParseScope(scope);
        lock (_lock)
        {
            ThrowIfClosed();
            if (_switches.Release(scope) is not { } released)
                return new(false);
            DateTimeOffset now = time.GetUtcNow();
            foreach (RunRow run in _runs.ByAge)
            {
                // A run that parked because of the switch waits for nothing else; one that waits for more parks again.
                if (run is { Worker: null, ClaimableAt: null, Queued: false } && !run.Status.IsTerminal() && released.Covers(run.ToInfo()))
                    _runs.Wake(run, now);
            }

            return new(true);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<KillSwitch>> SwitchesAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_switches.Engaged);
        }
    }

    /// <inheritdoc/>
    public ValueTask SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ceilings);
        cancellationToken.ThrowIfCancellationRequested();
        if (scope.CeilingScope != scope)
            throw new ArgumentException($"'{scope}' is one day of an agent, which has no ceilings of its own; set those of '{scope.CeilingScope}'.", nameof(scope));
        lock (_lock)
        {
            ThrowIfClosed();
            _budgets.SetCeilings(scope, ceilings);
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<BudgetInfo>> BudgetsAsync(string prefix = "", int limit = 1_000, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(prefix);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_budgets.List(prefix, limit));
        }
    }

    /// <inheritdoc/>
    public ValueTask SetLimitsAsync(LimitScope scope, Limits limits, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(limits);
        limits.Check(scope);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            _concurrency.Set(scope, limits);
            return default;
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<LimitInfo>> LimitsAsync(CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            return new(_concurrency.List(_runs, time.GetUtcNow()));
        }
    }

    /// <summary>Closes the store; what it held is gone.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
            _closed = true;
        return default;
    }

    private StartResult Start(RunStart start)
    {
        RunStarted started = start.Started;
        if (started.Key is { } key && _runs.TryFind(started.Tenant, key, out RunRow? known))
            return new StartResult(known.Id, Created: false);
        return _runs.TryFind(start.Run, out known) ? Restarted(known, started) : Create(start, started);
    }

    private StartResult Create(RunStart start, RunStarted started)
    {
        List<RunRow> active = started is { Session: { } session, Parent: null } && start.SessionPolicy != SessionPolicy.Parallel
            ? _runs.ActiveOf(started.Tenant, session)
            : [];
        if (active.Count > 0 && start.SessionPolicy == SessionPolicy.Reject)
            return new StartResult(start.Run, Created: false) { BusyWith = active[0].Id };
        DateTimeOffset now = time.GetUtcNow();
        if (started.Parent is null && _concurrency.CheckQueue(_runs, started.Tenant, now) is { } full)
            return new StartResult(start.Run, Created: false) { Full = full };
        foreach (RunRow other in start.SessionPolicy is SessionPolicy.Interrupt or SessionPolicy.Rollback ? active : [])
            Put(SessionRules.CancelOf(other.Id, start));
        if (start.Definition is { } definition)
            Keep(definition);
        RunRow run = _runs.Add(start, started, now);
        _budgets.Open(run, start.SessionCeilings);
        run.Queued = active.Count > 0;
        if (!run.Queued)
            _runs.SetClaimable(run, now);
        return new StartResult(run.Id, Created: true);
    }

    /// <summary>When a run of a session has ended, the next in its queue begins.</summary>
    private void Advance(RunRow ended, DateTimeOffset now)
    {
        if (ended.Started is not { Session: { } session, Parent: null } || _runs.ActiveOf(ended.Started.Tenant, session) is not [{ Queued: true } next, ..])
            return;
        next.Queued = false;
        if (next.Worker is null)
            _runs.SetClaimable(next, now);
    }

    private SignalResult Put(Signal signal)
    {
        if (!_runs.TryFind(signal.Run, out RunRow? run))
            return SignalResult.UnknownRun;
        if (run.Inbox.HasSeen(signal.Id))
            return SignalResult.Duplicate;
        if (run.Status.IsTerminal())
            return SignalResult.RunEnded;
        run.Inbox.Add(signal);
        // A run that waits for its turn in a session takes notice of nothing before, but of a cancel.
        if (run.Worker is null && (!run.Queued || signal.Body is CancelSignal))
            _runs.Wake(run, time.GetUtcNow());
        return SignalResult.Accepted;
    }

    /// <summary>Keeps the questions in step with what an append records.</summary>
    private static void FollowQuestions(RunBatch batch, RunRow run, DateTimeOffset now)
    {
        foreach (JournalEntry entry in batch.Entries)
        {
            if (entry.Event is QuestionAsked asked)
                run.Questions.Add(QuestionRules.Open(run.Id, run.Started.Tenant, run.Started.Agent, asked, now));
            else if (entry.Event is QuestionAnswered answered)
                Withdraw(run, q => q.Id == answered.Id, now);
        }

        if (batch.Status.IsTerminal())
            Withdraw(run, _ => true, now);
    }

    private static void Withdraw(RunRow run, Func<QuestionInfo, bool> which, DateTimeOffset now)
    {
        for (int i = 0; i < run.Questions.Count; i++)
        {
            if (run.Questions[i].Status == QuestionStatus.Open && which(run.Questions[i]))
                run.Questions[i] = QuestionRules.Withdraw(run.Questions[i], now);
        }
    }

    private static StartResult Restarted(RunRow known, RunStarted started) =>
        known.Started.Tenant == started.Tenant && known.Started.Key == started.Key
            ? new StartResult(known.Id, Created: false)
            : throw new ArgumentException($"Run {known.Id} was started already, for another tenant or key; make its id with RunId.New.", nameof(started));

    private List<RunRow> FindClaimable(ClaimRequest request, DateTimeOffset now)
    {
        if (request.Run is { } id)
            return _runs.TryFind(id, out RunRow? only) && only.ClaimableAt <= now && MayClaim(only) ? _runs.Admit([only], now, 1, _concurrency.Table) : [];
        return _runs.NextClaimable(now, request.Max, _concurrency.Table, MayClaim);

        bool MayClaim(RunRow run) =>
            request.IsFor(run.Started.Agent, run.AgentVersion, run.ClaimableAt!.Value, now)
            && (run.Inbox.Count > 0 || _switches.Over(run) is null);
    }

    private Claim Take(RunRow run, ClaimRequest request, DateTimeOffset now)
    {
        _runs.Take(run, request.Worker, now, request.Duration);
        return new Claim
        {
            Lease = new Lease(run.Id, run.Epoch, request.Worker),
            Info = run.ToInfo(),
            Attempt = run.Attempts,
            Snapshot = run.Snapshot,
        };
    }

    /// <summary>Everything that can stand against a batch, in the gate's order; null when nothing does.</summary>
    private AppendResult? Refuse(RunBatch batch, RunRow run, out IReadOnlyList<ToolSlot> slots)
    {
        slots = run.Slots;
        if (Gate.CheckLease(batch, run.Epoch, run.Worker, run.Entries.Count) is { } fenced)
            return fenced;
        if (batch.Entries is [JournalEntry first, ..])
            first.Verify(run.Head);
        run.Inbox.Check(batch.Consumes, run.Id);
        if (batch.StartsEffect && _switches.Over(run) is { } killSwitch)
            return new AppendResult.Killed(killSwitch);
        if (_budgets.Check(batch.Budget, run) is { } shortfall)
            return new AppendResult.OverBudget(shortfall);
        return _concurrency.CheckSlots(_runs, batch, run, time.GetUtcNow(), out slots);
    }

    private AppendResult Commit(RunBatch batch, RunRow run, IReadOnlyList<ToolSlot> slots)
    {
        foreach (Blob blob in batch.Blobs)
            Keep(blob);
        for (int i = 0; i < batch.Entries.Count; i++)
            run.Entries.Add(batch.Entries[i]);
        if (batch.Entries.Count > 0)
            run.Head = batch.Entries[^1].Hash;
        run.Inbox.Consume(batch.Consumes);
        List<BudgetAlert>? alerts = null;
        for (int i = 0; i < batch.Budget.Count; i++)
            _budgets.Draw(run, batch.Budget[i], ref alerts);
        run.Slots = slots;
        run.Status = batch.Status;
        run.Reason = batch.Reason;
        DateTimeOffset now = run.UpdatedAt = time.GetUtcNow();
        FollowQuestions(batch, run, now);
        foreach (RunStart start in batch.Starts)
            Start(start);
        foreach (Signal signal in batch.Sends)
            Put(signal);
        foreach (Feedback feedback in batch.Feedback)
            Keep(feedback);
        if (batch.Entries.LastOrDefault(e => e.Event is RunMigrated) is { Event: RunMigrated moved })
            run.AgentVersion = moved.AgentVersion;
        if (batch.Snapshot is { } snapshot)
            run.Snapshot = snapshot with { Data = snapshot.Data.ToArray() };
        if (batch.Progress)
            run.Attempts = 0;
        if (batch.Status.IsTerminal())
        {
            _runs.Park(run, null);
            Advance(run, now);
        }
        else if (batch.Release is { } release)
        {
            _runs.Park(run, run.Inbox.Count > 0 && !release.LeavesSignals ? now : release.WakeAt);
        }

        if (alerts is not null)
            return new AppendResult.Committed(run.Inbox.Count > 0, alerts);
        return run.Inbox.Count > 0 ? s_signalsPending : AppendResult.Committed.Quiet;
    }

    private void Keep(Blob blob)
    {
        ref byte[]? content = ref CollectionsMarshal.GetValueRefOrAddDefault(_blobs, blob.Hash, out bool there);
        if (!there)
            content = blob.Content.ToArray();
    }

    private bool Keep(Feedback feedback)
    {
        if (!_runs.TryFind(feedback.Run, out RunRow? run))
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
            return _runs.TryFind(id, out RunRow? run) && after < run.Entries.Count
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
