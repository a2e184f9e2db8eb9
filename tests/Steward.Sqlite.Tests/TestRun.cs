using Steward.Journal;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

/// <summary>A run as its worker knows it.</summary>
internal sealed class TestRun(IStewardStore store, JournalEntry first)
{
    private static readonly TimeSpan s_lease = TimeSpan.FromMinutes(10);

    public RunId Id { get; } = first.Run;

    public JournalEntry Head { get; set; } = first;

    public Lease Lease { get; private set; } = new(first.Run, 0, "nobody");

    /// <summary>Everything that was acknowledged, in order.</summary>
    public List<JournalEntry> Acknowledged { get; } = [first];

    /// <summary>The same run in another store.</summary>
    public TestRun On(IStewardStore other)
    {
        TestRun run = new(other, Acknowledged[0]) { Head = Head, Lease = Lease };
        run.Acknowledged.Clear();
        run.Acknowledged.AddRange(Acknowledged);
        return run;
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public static RunStart Start(string tenant = "acme", string agent = "support", string? session = null, string? key = null, BudgetCeilings? ceilings = null)
    {
        RunId run = RunId.New(TimeProvider.System);
        RunStarted started = new()
        {
            Agent = agent,
            AgentVersion = "1",
            DefinitionHash = new string('a', 64),
            Tenant = tenant,
            Session = session,
            Key = key,
            Input = [new TextPart("hi")],
            Ceilings = ceilings ?? BudgetCeilings.None,
        };
        return new RunStart { Run = run, Entry = JournalEntry.Create(run, 1, JournalEntry.Origin, started, TimeProvider.System.GetUtcNow()) };
    }

    public static async Task<TestRun> ClaimedAsync(IStewardStore store, string worker = "w1", RunStart? start = null)
    {
        start ??= Start();
        await store.StartAsync(start, Token);
        TestRun run = new(store, start.Entry);
        await run.ClaimAsync(worker);
        return run;
    }

    public async Task<Claim> ClaimAsync(string worker = "w1")
    {
        Claim? claim = await store.ClaimOneAsync(new ClaimRequest { Worker = worker, Duration = s_lease, Run = Id }, Token);
        Assert.NotNull(claim);
        Lease = claim.Lease;
        return claim;
    }

    public RunBatch Batch(int entries = 1, string text = "noted")
    {
        List<JournalEntry> made = [];
        JournalEntry last = Head;
        for (int i = 0; i < entries; i++)
            made.Add(last = JournalEntry.Create(Id, last.Sequence + 1, last.Hash, new GuidanceAdded(Guidance.WrapUp, text), TimeProvider.System.GetUtcNow()));
        return new RunBatch { Lease = Lease, ExpectedSequence = Head.Sequence, Entries = made, Status = RunStatus.Executing, Reason = "working", Progress = true };
    }

    public async Task<AppendResult> AppendAsync(RunBatch batch)
    {
        AppendResult result = await store.AppendAsync(batch, Token);
        if (result is AppendResult.Committed)
            Keep(batch);
        return result;
    }

    public async Task AppendAsync(int entries = 1, string text = "noted") =>
        Assert.IsType<AppendResult.Committed>(await AppendAsync(Batch(entries, text)));

    /// <summary>Completes the run.</summary>
    public async Task EndAsync()
    {
        JournalEntry end = JournalEntry.Create(Id, Head.Sequence + 1, Head.Hash, new RunCompleted("done", []), TimeProvider.System.GetUtcNow());
        Assert.IsType<AppendResult.Committed>(await AppendAsync(Batch(0) with { Entries = [end], Status = RunStatus.Completed, Reason = "completed" }));
    }

    public void Keep(RunBatch batch)
    {
        Acknowledged.AddRange(batch.Entries);
        Head = Acknowledged[^1];
    }

    /// <summary>Reads the journal and checks that it is a genuine chain.</summary>
    public static async Task<List<JournalEntry>> ReadAsync(IStewardStore store, RunId run)
    {
        List<JournalEntry> entries = [];
        ReadOnlyMemory<byte> previous = JournalEntry.Origin;
        await foreach (JournalEntry entry in store.ReadAsync(run, cancellationToken: Token))
        {
            entry.Verify(previous);
            Assert.Equal(entries.Count + 1, entry.Sequence);
            entries.Add(entry);
            previous = entry.Hash;
        }

        return entries;
    }

    public static async Task<RunInfo?> InfoAsync(IStewardStore store, RunId run) =>
        (await store.FindAsync(new RunQuery { Run = run }, Token)).SingleOrDefault();
}
