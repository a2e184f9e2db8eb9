using System.Collections.ObjectModel;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Steward.Journal;

namespace Steward.Storage.InMemory;

/// <summary>All runs, and the ways to find one: by id, age, key, worker, and by when it can be claimed.</summary>
/// <remarks>
/// Who may claim, and when, is changed here only, so that the ways never disagree. Not safe for threads: the store has the lock.
/// </remarks>
internal sealed class StoredRuns
{
    private readonly Dictionary<RunId, StoredRun> _byId = [];
    private readonly List<StoredRun> _byAge = [];
    private readonly Dictionary<(string Tenant, string Key), StoredRun> _byKey = [];
    private readonly Dictionary<(string Tenant, string Session), List<StoredRun>> _bySession = [];
    private readonly SortedDictionary<string, SortedSet<StoredRun>> _claimable = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<StoredRun>> _byWorker = new(StringComparer.Ordinal);

    public IReadOnlyList<StoredRun> ByAge => _byAge;

    public bool TryFind(RunId id, [NotNullWhen(true)] out StoredRun? run) => _byId.TryGetValue(id, out run);

    public bool TryFind(string tenant, string key, [NotNullWhen(true)] out StoredRun? run) => _byKey.TryGetValue((tenant, key), out run);

    public IReadOnlyCollection<StoredRun> HeldBy(string worker) => _byWorker.TryGetValue(worker, out HashSet<StoredRun>? runs) ? runs : [];

    /// <summary>The runs that a worker holds whose lease has not expired.</summary>
    public IEnumerable<StoredRun> Leased(DateTimeOffset now) =>
        _byWorker.Values.SelectMany(runs => runs).Where(r => r.Record.ClaimableAt > now);

    /// <summary>The runs that are claimable, or wait for their turn in a session.</summary>
    public IEnumerable<StoredRun> Queue(DateTimeOffset now) =>
        _claimable.Values.SelectMany(ofTenant => ofTenant.TakeWhile(r => r.Record.ClaimableAt <= now))
            .Concat(_byAge.Where(r => r.Record is { Queued: true, Worker: null, ClaimableAt: null } && !r.Record.Status.IsTerminal()));

    public StoredRun Add(RunStart start, bool queued, DateTimeOffset now)
    {
        RunStarted started = start.Started;
        RunRecord record = new()
        {
            Id = _byAge.Count,
            Run = start.Run,
            Tenant = started.Tenant,
            User = started.User,
            Session = started.Session,
            Agent = started.Agent,
            AgentVersion = started.AgentVersion,
            Status = RunStatus.Planning,
            Reason = Reasons.Started,
            Epoch = 0,
            Worker = null,
            Attempts = 0,
            Head = start.Last.Sequence,
            HeadHash = start.Last.Hash,
            ClaimableAt = null,
            CreatedAt = now,
            UpdatedAt = now,
            Ancestors = started.Parent?.Ancestors ?? [],
            Labels = started.Labels ?? ReadOnlyDictionary<string, string>.Empty,
            Queued = queued,
            Slots = [],
        };
        StoredRun run = new(record, started);
        run.Entries.Add(start.Entry);
        run.Entries.AddRange(start.Copied);
        _byId.Add(record.Run, run);
        _byAge.Add(run);
        if (started.Key is { } key)
            _byKey.Add((started.Tenant, key), run);
        if (started is { Session: { } session, Parent: null })
            (CollectionsMarshal.GetValueRefOrAddDefault(_bySession, (started.Tenant, session), out _) ??= []).Add(run);
        if (!queued)
            Save(run, record with { ClaimableAt = now });
        return run;
    }

    /// <summary>The runs of a session that have not ended, oldest first; children are no runs of the session's own.</summary>
    public List<RunRecord> ActiveOf(string tenant, string session) =>
        _bySession.TryGetValue((tenant, session), out List<StoredRun>? runs)
            ? [.. runs.Select(r => r.Record).Where(r => !r.Status.IsTerminal())]
            : [];

    /// <summary>The runs that are claimed next, of those that may be claimed.</summary>
    public List<StoredRun> NextClaimable(DateTimeOffset now, int max, LimitTable limits, Func<StoredRun, bool> mayClaim) =>
        Admit(
            [.. _claimable.Values.SelectMany(ofTenant => ofTenant.TakeWhile(run => run.Record.ClaimableAt <= now).Where(mayClaim).Take(max))
                .Order(ByClaimableAt.Instance)],
            now,
            max,
            limits);

    /// <summary>Those of the runs that are due, in their turns, for which the limits leave room.</summary>
    public List<StoredRun> Admit(IReadOnlyList<StoredRun> due, DateTimeOffset now, int max, LimitTable limits)
    {
        Dictionary<string, int> leased = Leased(now)
            .CountBy(run => run.Record.Tenant, StringComparer.Ordinal)
            .ToDictionary(StringComparer.Ordinal);
        if (limits.RunsOfAll is { } all)
            max = Math.Min(max, all - leased.Values.Sum());
        return FairShare.Pick(due, run => run.Record.Tenant, tenant => leased.GetValueOrDefault(tenant), max, limits.RunsOf);
    }

    /// <summary>Replaces a run's record, and finds it from then on by what is in that.</summary>
    public void Save(StoredRun run, RunRecord after)
    {
        RunRecord before = run.Record;
        bool isMoved = before.ClaimableAt != after.ClaimableAt;
        if (isMoved && before.ClaimableAt is not null && _claimable.TryGetValue(before.Tenant, out SortedSet<StoredRun>? others)
            && others.Remove(run) && others.Count == 0)
        {
            _claimable.Remove(before.Tenant);
        }

        if (before.Worker != after.Worker)
            SetWorker(run, before.Worker, after.Worker);
        run.Record = after;
        if (!isMoved || after.ClaimableAt is null)
            return;
        if (!_claimable.TryGetValue(after.Tenant, out others))
            _claimable.Add(after.Tenant, others = new SortedSet<StoredRun>(ByClaimableAt.Instance));
        others.Add(run);
    }

    /// <summary>Makes a run claimable now, if it is not yet.</summary>
    public void Wake(StoredRun run, DateTimeOffset now)
    {
        if (run.Record.ClaimableAt is null || run.Record.ClaimableAt > now)
            Save(run, run.Record with { ClaimableAt = now });
    }

    private void SetWorker(StoredRun run, string? before, string? after)
    {
        if (before is not null && _byWorker.TryGetValue(before, out HashSet<StoredRun>? runs) && runs.Remove(run) && runs.Count == 0)
            _byWorker.Remove(before);
        if (after is not null)
            (CollectionsMarshal.GetValueRefOrAddDefault(_byWorker, after, out _) ??= []).Add(run);
    }

    private sealed class ByClaimableAt : IComparer<StoredRun>
    {
        public static ByClaimableAt Instance { get; } = new();

        public int Compare(StoredRun? x, StoredRun? y)
        {
            int byTime = Nullable.Compare(x!.Record.ClaimableAt, y!.Record.ClaimableAt);
            return byTime != 0 ? byTime : x.Record.Id.CompareTo(y.Record.Id);
        }
    }
}
