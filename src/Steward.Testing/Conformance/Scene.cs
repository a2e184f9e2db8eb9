using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>What a check says and does: a store, its clock, and short words for the usual moves.</summary>
internal sealed class Scene(ConformanceStore host, CancellationToken cancellationToken)
{
    public static readonly TimeSpan LeaseTime = TimeSpan.FromSeconds(30);

    private int _signals;

    public ConformanceStore Host => host;

    public IStewardStore Store => host.Store;

    public CancellationToken Token => cancellationToken;

    public DateTimeOffset Now => host.Time.GetUtcNow();

    public DateOnly Today => DateOnly.FromDateTime(Now.UtcDateTime);

    public static RunEvent Fact(string text = "noted") => new GuidanceAdded(Guidance.WrapUp, text);

    public static string Text(JournalEntry entry) => ((GuidanceAdded)entry.Event).Text;

    public Task AdvanceAsync(TimeSpan by) => host.AdvanceAsync(by, cancellationToken);

    public Task ReopenAsync(StoreLimits? limits = null) => host.OpenAsync(limits, cancellationToken);

    public RunStart Start(
        string tenant = "acme",
        string agent = "support",
        string? session = null,
        string? key = null,
        BudgetCeilings? ceilings = null)
    {
        RunId run = RunId.New(host.Time);
        var started = new RunStarted
        {
            Agent = agent,
            AgentVersion = "1",
            DefinitionHash = new string('a', 64),
            Tenant = tenant,
            User = "ann",
            Session = session,
            Key = key,
            Input = [new TextPart("Please help.")],
            Ceilings = ceilings ?? BudgetCeilings.None,
        };
        return new RunStart { Run = run, Entry = JournalEntry.Create(run, 1, JournalEntry.Origin, started, Now) };
    }

    /// <summary>The start of a child.</summary>
    public RunStart Child(RunId parent, string? session = null, params IReadOnlyList<RunId> above)
    {
        RunStart start = Start(session: session);
        RunStarted started = start.Started with { Parent = new RunParent([parent, .. above], 1, 0) };
        return start with { Entry = JournalEntry.Create(start.Run, 1, JournalEntry.Origin, started, Now) };
    }

    /// <summary>A child that its parent has started, claimed.</summary>
    public async Task<Subject> ChildAsync(Subject parent, RunId? above = null, string? session = null)
    {
        RunStart start = Child(parent.Id, session, above is { } grandparent ? [grandparent] : []);
        await parent.CommitAsync(parent.Batch(Fact("child")) with { Starts = [start] });
        var child = new Subject(this, start.Entry);
        await child.ClaimAsync();
        return child;
    }

    public async Task<Subject> StartedAsync(RunStart start)
    {
        StartResult result = await Store.StartAsync(start, cancellationToken);
        Expect.Equal(new StartResult(start.Run, Created: true), result);
        return new Subject(this, start.Entry);
    }

    public Task<Subject> StartedAsync(
        string tenant = "acme",
        string agent = "support",
        string? session = null,
        string? key = null,
        BudgetCeilings? ceilings = null) =>
        StartedAsync(Start(tenant, agent, session, key, ceilings));

    public async Task<Subject> ClaimedAsync(
        string tenant = "acme",
        string agent = "support",
        string? session = null,
        BudgetCeilings? ceilings = null)
    {
        Subject run = await StartedAsync(tenant, agent, session, null, ceilings);
        await run.ClaimAsync();
        return run;
    }

    public static ClaimRequest Request(string worker = "w1") => new() { Worker = worker, Duration = LeaseTime };

    public async Task<Claim?> ClaimAsync(RunId? run = null, string worker = "w1", IReadOnlyCollection<string>? agents = null) =>
        await Store.ClaimOneAsync(Request(worker) with { Run = run, Agents = agents }, cancellationToken);

    public async Task<IReadOnlyList<Claim>> ClaimManyAsync(int max, string worker = "w1") =>
        await Store.ClaimAsync(Request(worker) with { Max = max }, cancellationToken);

    public async Task<IReadOnlyList<Lease>> RenewAsync(string worker, params Lease[] leases) =>
        await Store.RenewAsync(worker, leases, LeaseTime, cancellationToken);

    public Signal Signal(RunId run, string? id = null) =>
        new(id ?? $"s{Interlocked.Increment(ref _signals)}", run, new CancelSignal("ann", null));

    public async Task<SignalResult> SignalAsync(RunId run, string? id = null) =>
        await Store.SignalAsync(Signal(run, id), cancellationToken);

    public async Task<string[]> InboxAsync(RunId run) =>
        [.. (await Store.InboxAsync(run, cancellationToken)).Select(s => s.Id)];

    public async Task<List<JournalEntry>> ReadAsync(RunId run, long after = 0)
    {
        List<JournalEntry> entries = [];
        await foreach (JournalEntry entry in Store.ReadAsync(run, after, cancellationToken))
            entries.Add(entry);
        return entries;
    }

    public async Task<RunInfo> InfoAsync(RunId run)
    {
        IReadOnlyList<RunInfo> found = await Store.FindAsync(new RunQuery { Run = run }, cancellationToken);
        Expect.Equal(1, found.Count);
        return found[0];
    }

    public async Task<BudgetInfo> BudgetAsync(BudgetScope scope)
    {
        IReadOnlyList<BudgetInfo> found = await Store.BudgetsAsync(scope.Key, cancellationToken: cancellationToken);
        return found.FirstOrDefault(b => b.Scope == scope)
            ?? new BudgetInfo(scope, BudgetCeilings.None, BudgetAmount.Zero, BudgetAmount.Zero);
    }

    public async Task EngageAsync(string scope) =>
        Expect.True(await Store.EngageAsync(new KillSwitch(scope, "olga", "drill", Now), cancellationToken), $"engaging '{scope}'");

    public async Task SetCeilingsAsync(BudgetScope scope, BudgetCeilings ceilings) =>
        await Store.SetCeilingsAsync(scope, ceilings, cancellationToken);

    /// <summary>Runs an action many times at once.</summary>
    public static async Task<T[]> AtOnceAsync<T>(int count, Func<int, Task<T>> act)
    {
        using var gate = new ManualResetEventSlim();
        Task<T>[] tasks = [.. Enumerable.Range(0, count).Select(i => Task.Run(async () =>
        {
            gate.Wait();
            return await act(i);
        }))];
        gate.Set();
        return await Task.WhenAll(tasks);
    }
}
