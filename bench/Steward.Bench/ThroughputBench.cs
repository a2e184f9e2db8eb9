using System.Diagnostics;
using Steward.Journal;
using Steward.Sqlite;
using Steward.Storage;

namespace Steward.Bench;

/// <summary>Durable steps of concurrent runs beside a bare group-commit writer, and one run's commit beside a bare fenced one.</summary>
internal static class ThroughputBench
{
    public static async Task RunAsync(Report report, bool quick)
    {
        foreach (int runs in (int[])[1, 16, 128, 512])
            await ConcurrentAsync(report, runs, quick);
        await CommitAsync(report, quick);
    }

    private static async Task ConcurrentAsync(Report report, int runs, bool quick)
    {
        int steps = Math.Max(quick ? 8 : 10, (quick ? 400 : 6_000) / runs);
        Workload work = new(steps, resultLength: 2_000);
        using Scratch scratch = new();
        await using SqliteStewardStore store = await Scratch.OpenAsync(scratch.NewFile());
        await using BenchHost host = await BenchHost.StartAsync(store, work, concurrency: runs);
        await using BareGroupWriter bare = new(scratch.NewFile());
        List<BareEntry[]> groups = await BareJournal.GroupsOfAsync(store, await host.RunAsync());
        int records = groups.Sum(g => g.Length);

        Duel duel = await Duel.FightAsync(
            warmUps: quick ? 1 : 3,
            rounds: quick ? 3 : 7,
            () => Cost.OfAsync(runs * records, () => Task.WhenAll(Enumerable.Range(0, runs).Select(_ => host.RunAsync()))),
            () => Cost.OfAsync(runs * records, async () =>
            {
                BareRun[] journals = [.. Enumerable.Range(0, runs).Select(_ => new BareRun(bare.StartRun()))];
                await Task.WhenAll(journals.Select(run => Task.Run(async () =>
                {
                    foreach (BareEntry[] group in groups)
                        await bare.AppendAsync(run, group);
                })));
            }));
        double share = 1 / duel.Ratio.Median;
        report.Add(
            $"Durable steps, {runs} concurrent run{(runs == 1 ? "" : "s")}",
            $"{1e6 / duel.Steward.Median / records * steps:#,0} steps/s, {1e6 / duel.Steward.Median:#,0} records/s (CPU {duel.StewardCpu.Median:0} µs each)",
            $"{1e6 / duel.Bare.Median:#,0} records/s (CPU {duel.BareCpu.Median:0} µs each)",
            $"{share:0%}",
            $"{1 / duel.Ratio.Max:0%}–{1 / duel.Ratio.Min:0%}",
            "≥ 60 %",
            share >= 0.6);
    }

    /// <summary>Alternates one commit of each, as a single run makes them: a result and the next intent.</summary>
    private static async Task CommitAsync(Report report, bool quick)
    {
        Workload work = new(2, resultLength: 2_000);
        using Scratch scratch = new();
        await using SqliteStewardStore store = await Scratch.OpenAsync(scratch.NewFile());
        using BareJournal bare = new(scratch.NewFile());
        List<RunEvent[]> events;
        List<BareEntry[]> groups;
        await using (BenchHost host = await BenchHost.StartAsync(store, work))
        {
            RunId template = await host.RunAsync();
            groups = await BareJournal.GroupsOfAsync(store, template);
            events = await StepOfAsync(store, template);
        }

        RunAppender run = await RunAppender.StartAsync(store, work);
        long id = bare.StartRun(), head = 0;
        Series steward = new(), fenced = new();
        for (int i = -100; i < (quick ? 500 : 4_000); i++)
        {
            long start = Stopwatch.GetTimestamp();
            bare.AppendAndCommit(id, ref head, groups[1 + (i & 1)]);
            double bareMicros = Stopwatch.GetElapsedTime(start).TotalMicroseconds;

            RunBatch batch = run.Batch(events[i & 1]);
            start = Stopwatch.GetTimestamp();
            AppendResult result = await store.AppendAsync(batch);
            double micros = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            run.Accept(result, batch);
            if (i < 0)
                continue;
            steward.Add(micros);
            fenced.Add(bareMicros);
        }

        double ratio = steward.Median / fenced.Median;
        report.Add(
            "p50 of a single run's commit (2 records)",
            Report.Micros(steward.Median),
            Report.Micros(fenced.Median),
            $"{ratio:0.00}×",
            $"p99 {Report.Micros(steward.Percentile(0.99))} and {Report.Micros(fenced.Percentile(0.99))}",
            "≤ 1.5×",
            ratio <= 1.5);
    }

    /// <summary>The two groups of events that alternate in a run's steady state.</summary>
    private static async Task<List<RunEvent[]>> StepOfAsync(SqliteStewardStore store, RunId run)
    {
        List<RunEvent> all = [];
        await foreach (JournalEntry entry in store.ReadAsync(run))
            all.Add(entry.Event);
        int first = all.FindIndex(e => e is ModelReturned);
        return [[all[first], all[first + 1]], [all[first + 2], all[first + 3]]];
    }
}

/// <summary>A claimed run to which batches are appended by hand, with the budget changes that such events make.</summary>
internal sealed class RunAppender
{
    private static readonly BudgetAmount s_amount = new(ModelCalls: 1, Tokens: 1_100, Usd: 0.0021m);

    private readonly Lease _lease;
    private readonly DateTimeOffset _now;
    private long _sequence;
    private ReadOnlyMemory<byte> _head;

    private RunAppender(Lease lease, JournalEntry first, DateTimeOffset now)
    {
        _lease = lease;
        _now = now;
        _sequence = first.Sequence;
        _head = first.Hash;
    }

    public static async Task<RunAppender> StartAsync(IRunStore store, Workload work)
    {
        RunId run = RunId.New(TimeProvider.System);
        DateTimeOffset now = TimeProvider.System.GetUtcNow();
        JournalEntry first = JournalEntry.Create(run, 1, JournalEntry.Origin, Started(work), now);
        await store.StartAsync(new RunStart { Run = run, Entry = first });
        Claim claim = await store.ClaimOneAsync(new ClaimRequest { Worker = "bench", Duration = TimeSpan.FromMinutes(10), Run = run })
            ?? throw new InvalidOperationException("The run cannot be claimed.");
        return new RunAppender(claim.Lease, first, now);
    }

    public static RunStarted Started(Workload work) => new()
    {
        Agent = work.Agent.Name,
        AgentVersion = work.Agent.Version,
        DefinitionHash = work.Agent.Hash,
        Tenant = "default",
        Input = [new TextPart(Workload.Prompt)],
    };

    public RunBatch Batch(IReadOnlyList<RunEvent> events, RunStatus status = RunStatus.Executing, RunRelease? release = null)
    {
        List<JournalEntry> entries = new(events.Count);
        ReadOnlyMemory<byte> head = _head;
        foreach (RunEvent e in events)
        {
            JournalEntry entry = JournalEntry.Create(_lease.Run, _sequence + entries.Count + 1, head, e, _now);
            head = entry.Hash;
            entries.Add(entry);
        }

        return new RunBatch
        {
            Lease = _lease,
            ExpectedSequence = _sequence,
            Entries = entries,
            StartsEffect = release is null,
            Budget = [new BudgetChange(DateOnly.FromDateTime(_now.UtcDateTime), s_amount, s_amount, s_amount)],
            Status = status,
            Reason = "bench",
            Progress = true,
            Release = release,
        };
    }

    public void Accept(AppendResult result, RunBatch batch)
    {
        if (result is not AppendResult.Committed)
            throw new InvalidOperationException($"Refused: {result}");
        _sequence = batch.Entries[^1].Sequence;
        _head = batch.Entries[^1].Hash;
    }
}
