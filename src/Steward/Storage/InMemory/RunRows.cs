using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Steward.Journal;

namespace Steward.Storage.InMemory;

/// <summary>All runs, and the ways to find one: by id, age, key, worker, and by when it can be claimed.</summary>
/// <remarks>Who may claim, and when, is changed here only, so that the ways never disagree. Not safe for threads: the store has the lock.</remarks>
internal sealed class RunRows
{
    private readonly Dictionary<RunId, RunRow> _byId = [];
    private readonly List<RunRow> _byAge = [];
    private readonly Dictionary<(string Tenant, string Key), RunRow> _byKey = [];
    private readonly Dictionary<(string Tenant, string Session), List<RunRow>> _bySession = [];
    private readonly SortedDictionary<string, SortedSet<RunRow>> _claimable = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<RunRow>> _byWorker = new(StringComparer.Ordinal);

    public IReadOnlyList<RunRow> ByAge => _byAge;

    public bool TryFind(RunId id, [NotNullWhen(true)] out RunRow? run) => _byId.TryGetValue(id, out run);

    public bool TryFind(string tenant, string key, [NotNullWhen(true)] out RunRow? run) => _byKey.TryGetValue((tenant, key), out run);

    public IReadOnlyCollection<RunRow> HeldBy(string worker) => _byWorker.TryGetValue(worker, out HashSet<RunRow>? runs) ? runs : [];

    /// <summary>The runs that a worker holds whose lease has not expired.</summary>
    public IEnumerable<RunRow> Leased(DateTimeOffset now) => _byWorker.Values.SelectMany(runs => runs).Where(r => r.ClaimableAt > now);

    /// <summary>The runs that are claimable, or wait for their turn in a session.</summary>
    public IEnumerable<RunRow> Queue(DateTimeOffset now) =>
        _claimable.Values.SelectMany(ofTenant => ofTenant.TakeWhile(r => r.ClaimableAt <= now)).Concat(_byAge.Where(r => r is { Queued: true, Worker: null, ClaimableAt: null } && !r.Status.IsTerminal()));

    public RunRow Add(RunStart start, RunStarted started, DateTimeOffset now)
    {
        var run = new RunRow(start.Run, _byAge.Count, started, now) { UpdatedAt = now, Head = start.Entry.Hash };
        run.Entries.Add(start.Entry);
        run.Entries.AddRange(start.Copied);
        run.Head = run.Entries[^1].Hash;
        _byId.Add(run.Id, run);
        _byAge.Add(run);
        if (started.Key is { } key)
            _byKey.Add((started.Tenant, key), run);
        if (started is { Session: { } session, Parent: null })
            (CollectionsMarshal.GetValueRefOrAddDefault(_bySession, (started.Tenant, session), out _) ??= []).Add(run);
        return run;
    }

    /// <summary>The runs of a session that have not ended, oldest first; children are no runs of the session's own.</summary>
    public List<RunRow> ActiveOf(string tenant, string session) =>
        _bySession.TryGetValue((tenant, session), out List<RunRow>? runs) ? [.. runs.Where(r => !r.Status.IsTerminal())] : [];

    /// <summary>The runs that are claimed next, of those that may be claimed.</summary>
    public List<RunRow> NextClaimable(DateTimeOffset now, int max, LimitTable limits, Func<RunRow, bool> mayClaim) =>
        Admit([.. _claimable.Values.SelectMany(ofTenant => ofTenant.TakeWhile(run => run.ClaimableAt <= now).Where(mayClaim).Take(max)).Order(ByClaimableAt.Instance)], now, max, limits);

    /// <summary>Those of the runs that are due, in their turns, for which the limits leave room.</summary>
    public List<RunRow> Admit(IReadOnlyList<RunRow> due, DateTimeOffset now, int max, LimitTable limits)
    {
        Dictionary<string, int> leased = Leased(now).CountBy(run => run.Started.Tenant, StringComparer.Ordinal).ToDictionary(StringComparer.Ordinal);
        if (limits.RunsOfAll is { } all)
            max = Math.Min(max, all - leased.Values.Sum());
        return FairShare.Pick(due, run => run.Started.Tenant, tenant => leased.GetValueOrDefault(tenant), max, limits.RunsOf);
    }

    public void Take(RunRow run, string worker, DateTimeOffset now, TimeSpan duration)
    {
        run.Epoch++;
        run.Attempts++;
        run.UpdatedAt = now;
        SetWorker(run, worker);
        SetClaimable(run, now + duration);
    }

    public void Park(RunRow run, DateTimeOffset? wakeAt)
    {
        run.Attempts = 0;
        SetWorker(run, null);
        SetClaimable(run, wakeAt);
    }

    public void Wake(RunRow run, DateTimeOffset now)
    {
        if (run.ClaimableAt is null || run.ClaimableAt > now)
            SetClaimable(run, now);
    }

    public void SetClaimable(RunRow run, DateTimeOffset? at)
    {
        if (run.ClaimableAt is not null && _claimable.TryGetValue(run.Started.Tenant, out SortedSet<RunRow>? others) && others.Remove(run) && others.Count == 0)
            _claimable.Remove(run.Started.Tenant);
        run.ClaimableAt = at;
        if (at is null)
            return;
        if (!_claimable.TryGetValue(run.Started.Tenant, out others))
            _claimable.Add(run.Started.Tenant, others = new SortedSet<RunRow>(ByClaimableAt.Instance));
        others.Add(run);
    }

    private void SetWorker(RunRow run, string? worker)
    {
        if (run.Worker is { } before && _byWorker.TryGetValue(before, out HashSet<RunRow>? runs) && runs.Remove(run) && runs.Count == 0)
            _byWorker.Remove(before);
        run.Worker = worker;
        if (worker is not null)
            (CollectionsMarshal.GetValueRefOrAddDefault(_byWorker, worker, out _) ??= []).Add(run);
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
