using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

/// <summary>A run as its worker knows it: identity, lease, and the head of its journal.</summary>
internal sealed class Subject(Scene scene, JournalEntry first)
{
    public RunId Id { get; } = first.Run;

    public JournalEntry First { get; } = first;

    public JournalEntry Head { get; private set; } = first;

    public long Sequence => Head.Sequence;

    public Lease Lease { get; private set; } = new(first.Run, 0, "nobody");

    public async Task<Claim> ClaimAsync(string worker = "w1")
    {
        Claim claim = Expect.NotNull(await scene.ClaimAsync(Id, worker), $"the claim of run {Id} by '{worker}'");
        Lease = claim.Lease;
        return claim;
    }

    /// <summary>The entries that follow the head.</summary>
    public JournalEntry[] Entries(params RunEvent[] events)
    {
        var entries = new JournalEntry[events.Length];
        JournalEntry last = Head;
        for (int i = 0; i < events.Length; i++)
            last = entries[i] = JournalEntry.Create(Id, last.Sequence + 1, last.Hash, events[i], scene.Now);
        return entries;
    }

    public RunBatch Batch(params RunEvent[] events) => new()
    {
        Lease = Lease,
        ExpectedSequence = Sequence,
        Entries = Entries(events),
        Status = RunStatus.Executing,
        Reason = "working",
    };

    /// <summary>A batch that starts an effect and reserves for it.</summary>
    public RunBatch Effect(BudgetAmount reserve = default) => Batch(Scene.Fact("effect")) with
    {
        StartsEffect = true,
        Budget = reserve == BudgetAmount.Zero ? [] : [Reserve(reserve)],
    };

    /// <summary>A batch that gives the lease back.</summary>
    public RunBatch Parked(DateTimeOffset? wakeAt = null) => Batch() with
    {
        Status = RunStatus.Awaiting,
        Reason = "parked",
        Release = new RunRelease(wakeAt),
    };

    public RunBatch Ended() => Batch(new RunCompleted("done", [])) with { Status = RunStatus.Completed, Reason = "completed" };

    public BudgetChange Reserve(BudgetAmount amount) => new(scene.Today, BudgetAmount.Zero, BudgetAmount.Zero, amount);

    public BudgetChange Settle(BudgetAmount reserved, BudgetAmount spent) => new(scene.Today, spent, reserved, BudgetAmount.Zero);

    public async Task<AppendResult> AppendAsync(RunBatch batch)
    {
        AppendResult result = await scene.Store.AppendAsync(batch, scene.Token);
        if (result is AppendResult.Committed && batch.Entries.Count > 0)
            Head = batch.Entries[^1];
        return result;
    }

    public async Task<AppendResult.Committed> CommitAsync(RunBatch batch) => Expect.Is<AppendResult.Committed>(await AppendAsync(batch));

    public Task<AppendResult.Committed> CommitAsync(params RunEvent[] events) => CommitAsync(Batch(events));

    public Task<AppendResult.Committed> SpendAsync(BudgetAmount amount) =>
        CommitAsync(Batch(Scene.Fact("spent")) with { Budget = [Settle(BudgetAmount.Zero, amount)] });

    public async Task<AppendResult.Fenced> FencedAsync(RunBatch batch)
    {
        var fenced = Expect.Is<AppendResult.Fenced>(await AppendAsync(batch));
        await UnchangedAsync();
        return fenced;
    }

    /// <summary>Checks that the journal ends where this worker knows it to end.</summary>
    public async Task UnchangedAsync()
    {
        List<JournalEntry> entries = await scene.ReadAsync(Id);
        Expect.Equal(Sequence, entries[^1].Sequence, "the journal's last sequence");
        Expect.Bytes(Head.Hash, entries[^1].Hash, "the journal's last hash");
        Expect.Equal(Sequence, (await scene.InfoAsync(Id)).Sequence, "the row's sequence");
    }
}
