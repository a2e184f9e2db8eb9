using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Steward.Budgets;
using Steward.Runs;

namespace Steward.Storage;

/// <summary>The whole contract in memory: for tests, demonstrations, and runs that may die with their process.</summary>
/// <remarks>
/// One lock, and everything inside it is synchronous: each method is one transaction. The rules are <see cref="Gate"/>'s;
/// only the rows are kept here. Nothing is changed before everything has been checked, so a refusal leaves no trace.
/// </remarks>
public sealed class InMemoryStewardStore(TimeProvider time, StoreLimits? limits = null) : IStewardStore
{
    private static readonly AppendResult s_signalsPending = new AppendResult.Committed(true, []);

    private readonly Lock _lock = new();
    private readonly StoreLimits _limits = limits ?? new StoreLimits();
    private readonly Dictionary<RunId, RunRow> _runs = [];
    private readonly List<RunRow> _byAge = [];
    private readonly Dictionary<(string Tenant, string Key), RunRow> _byKey = [];
    private readonly SortedSet<RunRow> _claimable = new(ByClaimableAt.Instance);
    private readonly Dictionary<string, HashSet<RunRow>> _byWorker = new(StringComparer.Ordinal);
    private readonly Dictionary<string, BudgetRow> _budgets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, byte[]> _blobs = new(StringComparer.Ordinal);
    private KillSwitch[] _switches = [];
    private bool _closed;

    /// <inheritdoc/>
    public ValueTask<StartResult> StartAsync(RunStart start, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(start);
        cancellationToken.ThrowIfCancellationRequested();
        if (start.Entry.Run != start.Run || start.Entry.Sequence != 1)
            throw new ArgumentException($"A run starts with its own entry 1, not with entry {start.Entry.Sequence} of run {start.Entry.Run}.", nameof(start));
        _limits.Check(start.Entry);
        start.Entry.Verify(JournalEntry.Origin);
        RunStarted started = start.Started;
        lock (_lock)
        {
            ThrowIfClosed();
            if (started.Key is { } key && _byKey.TryGetValue((started.Tenant, key), out RunRow? known))
                return new(new StartResult(known.Id, Created: false));
            if (_runs.TryGetValue(start.Run, out known))
                return Restarted(known, started);
            return new(Create(start, started));
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
            if (!_runs.TryGetValue(signal.Run, out RunRow? run))
                return new(SignalResult.UnknownRun);
            if (run.SignalIds?.Contains(signal.Id) == true)
                return new(SignalResult.Duplicate);
            if (run.Status.IsTerminal())
                return new(SignalResult.RunEnded);
            (run.SignalIds ??= new HashSet<string>(StringComparer.Ordinal)).Add(signal.Id);
            run.Inbox.Add(signal);
            if (run.Worker is null)
                Wake(run, time.GetUtcNow());
            return new(SignalResult.Accepted);
        }
    }

    /// <inheritdoc/>
    public ValueTask<Claim?> ClaimAsync(ClaimRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(request.Duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            DateTimeOffset now = time.GetUtcNow();
            return new(FindClaimable(request, now) is { } run ? Take(run, request, now) : null);
        }
    }

    /// <inheritdoc/>
    public ValueTask<RenewResult> RenewAsync(Lease lease, TimeSpan duration, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(lease);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(duration, TimeSpan.Zero);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_runs.TryGetValue(lease.Run, out RunRow? run) || run.Epoch != lease.Epoch || run.Worker != lease.Worker)
                return new(new RenewResult(Held: false, SignalsPending: false, Killed: null));
            SetClaimable(run, time.GetUtcNow() + duration);
            return new(new RenewResult(Held: true, run.Inbox.Count > 0, SwitchOver(run)));
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
            if (!_byWorker.TryGetValue(worker, out HashSet<RunRow>? runs))
                return new([]);
            List<RunAttention>? found = null;
            foreach (RunRow run in runs)
            {
                KillSwitch? killed = SwitchOver(run);
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
        Gate.CheckShape(batch);
        _limits.Check(batch);
        lock (_lock)
        {
            ThrowIfClosed();
            if (!_runs.TryGetValue(batch.Lease.Run, out RunRow? run))
                return new(new AppendResult.Fenced(0, 0));
            return new(Refuse(batch, run) ?? Commit(batch, run));
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
            return new(_runs.TryGetValue(run, out RunRow? row) && row.Inbox.Count > 0 ? row.Inbox.ToArray() : []);
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
                return new(query.Limit > 0 && _runs.TryGetValue(id, out RunRow? only) && Matches(query, only) ? [Info(only)] : []);
            List<RunInfo> found = [];
            for (int i = _byAge.Count - 1; i >= 0 && found.Count < query.Limit; i--)
            {
                if (Matches(query, _byAge[i]))
                    found.Add(Info(_byAge[i]));
            }

            return new(found);
        }
    }

    /// <inheritdoc/>
    public ValueTask PutAsync(Blob blob, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(blob);
        cancellationToken.ThrowIfCancellationRequested();
        _limits.Check(blob);
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
            if (Array.Exists(_switches, s => s.Scope == scope))
                return new(false);
            _switches = [.. _switches, killSwitch with { Scope = scope }];
            return new(true);
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
            if (Array.Find(_switches, s => s.Scope == scope) is not { } released)
                return new(false);
            _switches = Array.FindAll(_switches, s => s.Scope != scope);
            DateTimeOffset now = time.GetUtcNow();
            foreach (RunRow run in _byAge)
            {
                // A run that parked because of the switch waits for nothing else; one that waits for more parks again.
                if (run is { Worker: null, ClaimableAt: null } && !run.Status.IsTerminal() && released.Covers(run.Id, run.Started.Tenant, run.Started.Agent))
                    Wake(run, now);
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
            return new(_switches);
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
            BudgetRow own = Budget(scope);
            own.Info = own.Info with { Ceilings = ceilings };
            foreach (BudgetRow row in _budgets.Values)
            {
                if (row != own && row.CeilingScope == scope)
                    row.Info = row.Info with { Ceilings = ceilings };
            }

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
            return new([.. _budgets
                .Where(b => b.Key.StartsWith(prefix, StringComparison.Ordinal))
                .OrderBy(b => b.Key, StringComparer.Ordinal)
                .Take(limit)
                .Select(b => b.Value.Info)]);
        }
    }

    /// <summary>Closes the store; what it held is gone.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_lock)
            _closed = true;
        return default;
    }

    private StartResult Create(RunStart start, RunStarted started)
    {
        DateTimeOffset now = time.GetUtcNow();
        var run = new RunRow(start.Run, _byAge.Count, started, now) { UpdatedAt = now, Head = start.Entry.Hash };
        run.Entries.Add(start.Entry);
        _runs.Add(run.Id, run);
        _byAge.Add(run);
        if (started.Key is { } key)
            _byKey.Add((started.Tenant, key), run);
        run.Own = Budget(BudgetScope.ForRun(run.Id));
        run.Own.Info = run.Own.Info with { Ceilings = started.Ceilings };
        if (started.Session is { } session && start.SessionCeilings is { } ceilings)
        {
            BudgetRow row = Budget(BudgetScope.ForSession(started.Tenant, session));
            if (row.Info.Ceilings == BudgetCeilings.None)
                row.Info = row.Info with { Ceilings = ceilings };
        }

        SetClaimable(run, now);
        return new StartResult(run.Id, Created: true);
    }

    private static ValueTask<StartResult> Restarted(RunRow known, RunStarted started) =>
        known.Started.Tenant == started.Tenant && known.Started.Key == started.Key
            ? new(new StartResult(known.Id, Created: false))
            : throw new ArgumentException($"Run {known.Id} was started already, for another tenant or key; make its id with RunId.New.", nameof(started));

    private RunRow? FindClaimable(ClaimRequest request, DateTimeOffset now)
    {
        if (request.Run is { } id)
            return _runs.TryGetValue(id, out RunRow? only) && only.ClaimableAt <= now && MayClaim(request, only) ? only : null;
        foreach (RunRow run in _claimable)
        {
            if (run.ClaimableAt > now)
                return null;
            if (MayClaim(request, run))
                return run;
        }

        return null;
    }

    private bool MayClaim(ClaimRequest request, RunRow run) =>
        (request.Agents is null || request.Agents.Contains(run.Started.Agent))
        && (run.Inbox.Count > 0 || SwitchOver(run) is null);

    private Claim Take(RunRow run, ClaimRequest request, DateTimeOffset now)
    {
        run.Epoch++;
        run.Attempts++;
        run.UpdatedAt = now;
        SetWorker(run, request.Worker);
        SetClaimable(run, now + request.Duration);
        return new Claim
        {
            Lease = new Lease(run.Id, run.Epoch, request.Worker),
            Info = Info(run),
            Attempt = run.Attempts,
            Snapshot = run.Snapshot,
        };
    }

    /// <summary>Everything that can stand against a batch, in the gate's order; null when nothing does.</summary>
    private AppendResult? Refuse(RunBatch batch, RunRow run)
    {
        if (Gate.CheckLease(batch, run.Epoch, run.Worker, run.Entries.Count) is { } fenced)
            return fenced;
        ReadOnlyMemory<byte> head = run.Head;
        for (int i = 0; i < batch.Entries.Count; i++)
        {
            batch.Entries[i].Verify(head);
            head = batch.Entries[i].Hash;
        }

        CheckConsumes(batch, run);
        if (batch.StartsEffect && SwitchOver(run) is { } killSwitch)
            return new AppendResult.Killed(killSwitch);
        return OverBudget(batch.Budget, run);
    }

    private static void CheckConsumes(RunBatch batch, RunRow run)
    {
        for (int i = 0; i < batch.Consumes.Count; i++)
        {
            string id = batch.Consumes[i];
            if (run.IndexOfSignal(id) < 0 || IndexOf(batch.Consumes, id) < i)
                throw new ArgumentException($"Signal '{id}' is not in the inbox of run {run.Id}: it never came, or was applied before.", nameof(batch));
        }

        static int IndexOf(IReadOnlyList<string> ids, string id)
        {
            int at = 0;
            while (ids[at] != id)
                at++;
            return at;
        }
    }

    private AppendResult.OverBudget? OverBudget(IReadOnlyList<BudgetChange> changes, RunRow run)
    {
        if (!changes.Reserves())
            return null;
        BudgetChange sum = changes.Sum();
        for (int i = 0; i < changes.Count; i++)
        {
            BudgetRow[] rows = Rows(run, changes[i].Day);
            foreach (BudgetRow row in rows)
            {
                BudgetChange change = row.IsDay ? changes.SumOf(changes[i].Day) : sum;
                if (Gate.CheckBudget(row.Info, change) is { } shortfall)
                    return new AppendResult.OverBudget(shortfall);
            }
        }

        return null;
    }

    private AppendResult Commit(RunBatch batch, RunRow run)
    {
        foreach (Blob blob in batch.Blobs)
            Keep(blob);
        for (int i = 0; i < batch.Entries.Count; i++)
            run.Entries.Add(batch.Entries[i]);
        if (batch.Entries.Count > 0)
            run.Head = batch.Entries[^1].Hash;
        foreach (string id in batch.Consumes)
            run.Inbox.RemoveAt(run.IndexOfSignal(id));
        List<BudgetAlert>? alerts = null;
        for (int i = 0; i < batch.Budget.Count; i++)
            Draw(run, batch.Budget[i], ref alerts);
        run.Status = batch.Status;
        run.Reason = batch.Reason;
        DateTimeOffset now = run.UpdatedAt = time.GetUtcNow();
        if (batch.Snapshot is { } snapshot)
            run.Snapshot = snapshot with { Data = snapshot.Data.ToArray() };
        if (batch.Progress)
            run.Attempts = 0;
        if (batch.Status.IsTerminal())
            Park(run, null);
        else if (batch.Release is { } release)
            Park(run, run.Inbox.Count > 0 ? now : release.WakeAt);
        if (alerts is not null)
            return new AppendResult.Committed(run.Inbox.Count > 0, alerts);
        return run.Inbox.Count > 0 ? s_signalsPending : AppendResult.Committed.Quiet;
    }

    private void Draw(RunRow run, in BudgetChange change, ref List<BudgetAlert>? alerts)
    {
        foreach (BudgetRow row in Rows(run, change.Day))
        {
            BudgetInfo before = row.Info;
            row.Info = Gate.Apply(before, change);
            Gate.CollectAlerts(before, row.Info, ref alerts);
        }
    }

    private void Park(RunRow run, DateTimeOffset? wakeAt)
    {
        run.Attempts = 0;
        SetWorker(run, null);
        SetClaimable(run, wakeAt);
    }

    private void Wake(RunRow run, DateTimeOffset now)
    {
        if (run.ClaimableAt is null || run.ClaimableAt > now)
            SetClaimable(run, now);
    }

    private void SetClaimable(RunRow run, DateTimeOffset? at)
    {
        if (run.ClaimableAt is not null)
            _claimable.Remove(run);
        run.ClaimableAt = at;
        if (at is not null)
            _claimable.Add(run);
    }

    private void SetWorker(RunRow run, string? worker)
    {
        if (run.Worker is { } before && _byWorker.TryGetValue(before, out HashSet<RunRow>? runs) && runs.Remove(run) && runs.Count == 0)
            _byWorker.Remove(before);
        run.Worker = worker;
        if (worker is not null)
            (CollectionsMarshal.GetValueRefOrAddDefault(_byWorker, worker, out _) ??= []).Add(run);
    }

    /// <summary>The budgets on which a run draws on a day; those of the last day asked for are kept at hand.</summary>
    private BudgetRow[] Rows(RunRow run, DateOnly day)
    {
        if (run.BudgetRows.Length > 0 && run.BudgetDay == day)
            return run.BudgetRows;
        run.BudgetDay = day;
        return run.BudgetRows = Array.ConvertAll(Gate.Scopes(run.Id, run.Started.Tenant, run.Started.Session, run.Started.Agent, day), Budget);
    }

    private BudgetRow Budget(BudgetScope scope)
    {
        if (_budgets.TryGetValue(scope.Key, out BudgetRow? row))
            return row;
        BudgetScope rules = scope.CeilingScope;
        BudgetCeilings ceilings = rules != scope && _budgets.TryGetValue(rules.Key, out BudgetRow? ruling) ? ruling.Info.Ceilings : BudgetCeilings.None;
        row = new BudgetRow(rules, isDay: rules != scope) { Info = new BudgetInfo(scope, ceilings, BudgetAmount.Zero, BudgetAmount.Zero) };
        _budgets.Add(scope.Key, row);
        return row;
    }

    private void Keep(Blob blob)
    {
        ref byte[]? content = ref CollectionsMarshal.GetValueRefOrAddDefault(_blobs, blob.Hash, out bool there);
        if (!there)
            content = blob.Content.ToArray();
    }

    private JournalEntry[] EntriesAfter(RunId id, long after)
    {
        lock (_lock)
        {
            ThrowIfClosed();
            return _runs.TryGetValue(id, out RunRow? run) && after < run.Entries.Count
                ? [.. CollectionsMarshal.AsSpan(run.Entries)[(int)after..]]
                : [];
        }
    }

    private KillSwitch? SwitchOver(RunRow run) =>
        _switches.Length == 0 ? null : Gate.FindSwitch(_switches, run.Id, run.Started.Tenant, run.Started.Agent);

    private static bool Matches(RunQuery query, RunRow run) =>
        (query.Run is null || query.Run == run.Id)
        && (query.Tenant is null || query.Tenant == run.Started.Tenant)
        && (query.Agent is null || query.Agent == run.Started.Agent)
        && (query.Session is null || query.Session == run.Started.Session)
        && (query.Statuses is null || query.Statuses.Contains(run.Status));

    private static RunInfo Info(RunRow run) => new()
    {
        Run = run.Id,
        Tenant = run.Started.Tenant,
        User = run.Started.User,
        Session = run.Started.Session,
        Agent = run.Started.Agent,
        AgentVersion = run.Started.AgentVersion,
        Status = run.Status,
        Reason = run.Reason,
        Sequence = run.Entries.Count,
        Epoch = run.Epoch,
        Worker = run.Worker,
        ClaimableAt = run.ClaimableAt,
        CreatedAt = run.CreatedAt,
        UpdatedAt = run.UpdatedAt,
        Spent = run.Own.Info.Spent,
        Reserved = run.Own.Info.Reserved,
    };

    private void ThrowIfClosed()
    {
        if (_closed)
            throw new StoreException(StoreFailure.Closed, "The in-memory store was closed; what it held is gone. Make a new one.");
    }

    private sealed class RunRow(RunId id, int ordinal, RunStarted started, DateTimeOffset createdAt)
    {
        public RunId Id { get; } = id;

        public int Ordinal { get; } = ordinal;

        public RunStarted Started { get; } = started;

        public DateTimeOffset CreatedAt { get; } = createdAt;

        public DateTimeOffset UpdatedAt { get; set; }

        public RunStatus Status { get; set; } = RunStatus.Planning;

        public string Reason { get; set; } = "started";

        public List<JournalEntry> Entries { get; } = [];

        public ReadOnlyMemory<byte> Head { get; set; }

        public List<Signal> Inbox { get; } = [];

        public HashSet<string>? SignalIds { get; set; }

        public long Epoch { get; set; }

        public string? Worker { get; set; }

        public DateTimeOffset? ClaimableAt { get; set; }

        public int Attempts { get; set; }

        public RunSnapshot? Snapshot { get; set; }

        public BudgetRow Own { get; set; } = null!;

        public BudgetRow[] BudgetRows { get; set; } = [];

        public DateOnly BudgetDay { get; set; }

        public int IndexOfSignal(string signal)
        {
            for (int i = 0; i < Inbox.Count; i++)
            {
                if (Inbox[i].Id == signal)
                    return i;
            }

            return -1;
        }
    }

    private sealed class BudgetRow(BudgetScope ceilingScope, bool isDay)
    {
        public BudgetScope CeilingScope { get; } = ceilingScope;

        public bool IsDay { get; } = isDay;

        public required BudgetInfo Info { get; set; }
    }

    private sealed class ByClaimableAt : IComparer<RunRow>
    {
        public static ByClaimableAt Instance { get; } = new();

        public int Compare(RunRow? x, RunRow? y)
        {
            int byTime = Nullable.Compare(x!.ClaimableAt, y!.ClaimableAt);
            return byTime != 0 ? byTime : x.Ordinal.CompareTo(y.Ordinal);
        }
    }
}
