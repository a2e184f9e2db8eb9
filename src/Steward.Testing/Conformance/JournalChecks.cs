using Steward.Journal;
using Steward.Storage;

namespace Steward.Testing.Conformance;

internal static class JournalChecks
{
    public static IEnumerable<ConformanceCheck> All =>
    [
        ConformanceCheck.Of(Append_OneByOne_NumbersWithoutGaps),
        ConformanceCheck.Of(Append_SeveralEntries_AllComeInOrder),
        ConformanceCheck.Of(Append_Committed_ChangesTheRow),
        ConformanceCheck.Of(Append_NoEntries_ChangesOnlyTheRow),
        ConformanceCheck.Of(Append_SequenceBehind_IsFenced),
        ConformanceCheck.Of(Append_SequenceAhead_IsFenced),
        ConformanceCheck.Of(Append_OldEpoch_IsFenced),
        ConformanceCheck.Of(Append_WrongWorker_IsFenced),
        ConformanceCheck.Of(Append_UnclaimedRun_IsFenced),
        ConformanceCheck.Of(Append_UnknownRun_IsFenced),
        ConformanceCheck.Of(Append_AfterRelease_IsFenced),
        ConformanceCheck.Of(Append_RepeatedBatch_IsFenced),
        ConformanceCheck.Of(Append_ExpiredButUnclaimedLease_Commits),
        ConformanceCheck.Of(Append_GapInTheBatch_IsRefused),
        ConformanceCheck.Of(Append_EntryOfAnotherRun_IsRefused),
        ConformanceCheck.Of(Append_BrokenChain_IsRefused),
        ConformanceCheck.Of(Append_EditedPayload_IsRefused),
        ConformanceCheck.Of(Append_Fenced_LeavesNothingBehind),
        ConformanceCheck.Of(Append_ManyAtOnce_OneTakesTheSequence),
        ConformanceCheck.Of(Append_AfterTheEnd_IsFenced),
        ConformanceCheck.Of(Append_TheEnd_GivesTheLeaseBackForEver),
        ConformanceCheck.Of(Read_After_GivesTheRest),
        ConformanceCheck.Of(Read_UnknownRun_IsEmpty),
        ConformanceCheck.Of(Read_Journal_IsGenuine),
        ConformanceCheck.Of(Read_LargePayloads_ComeBackWhole),
        ConformanceCheck.Of(Read_SameLargePayloadInTwoRuns_ComesBackInBoth),
        ConformanceCheck.Of(Snapshot_Kept_ComesWithTheClaim),
        ConformanceCheck.Of(Snapshot_None_IsNull),
    ];

    private static async Task Append_OneByOne_NumbersWithoutGaps(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        for (int i = 0; i < 20; i++)
            await run.CommitAsync(Scene.Fact($"fact {i}"));
        List<JournalEntry> entries = await s.ReadAsync(run.Id);
        Expect.Sequence(Enumerable.Range(1, 21).Select(i => (long)i), entries.Select(e => e.Sequence));
        Expect.Sequence(Enumerable.Range(0, 20).Select(i => $"fact {i}"), entries.Skip(1).Select(Scene.Text));
    }

    private static async Task Append_SeveralEntries_AllComeInOrder(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Scene.Fact("a"), Scene.Fact("b"), Scene.Fact("c"));
        Expect.Sequence(["a", "b", "c"], (await s.ReadAsync(run.Id, after: 1)).Select(Scene.Text));
        await run.UnchangedAsync();
    }

    private static async Task Append_Committed_ChangesTheRow(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        DateTimeOffset created = s.Now;
        await s.AdvanceAsync(TimeSpan.FromSeconds(5));
        await run.CommitAsync(run.Batch(Scene.Fact(), Scene.Fact()) with { Status = RunStatus.Validating, Reason = "answered" });
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(RunStatus.Validating, info.Status);
        Expect.Equal("answered", info.Reason);
        Expect.Equal(3L, info.Sequence);
        Expect.Equal(created, info.CreatedAt);
        Expect.Equal(s.Now, info.UpdatedAt);
        Expect.Equal("w1", info.Worker);
    }

    private static async Task Append_NoEntries_ChangesOnlyTheRow(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Batch() with { Status = RunStatus.Reflecting, Reason = "thinking" });
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(RunStatus.Reflecting, info.Status);
        Expect.Equal("thinking", info.Reason);
        await run.UnchangedAsync();
    }

    private static async Task Append_SequenceBehind_IsFenced(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch late = run.Batch(Scene.Fact("late"));
        await run.CommitAsync(Scene.Fact("first"));
        Expect.Equal(new AppendResult.Fenced(1, 2), await run.FencedAsync(late));
    }

    private static async Task Append_SequenceAhead_IsFenced(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        JournalEntry skipped = run.Entries(Scene.Fact())[0];
        JournalEntry ahead = JournalEntry.Create(run.Id, 3, skipped.Hash, Scene.Fact(), s.Now);
        Expect.Equal(new AppendResult.Fenced(1, 1), await run.FencedAsync(run.Batch() with { ExpectedSequence = 2, Entries = [ahead] }));
    }

    private static async Task Append_OldEpoch_IsFenced(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch stale = run.Batch(Scene.Fact("stale"));
        await s.AdvanceAsync(Scene.LeaseTime);
        await run.ClaimAsync("w2");
        Expect.Equal(new AppendResult.Fenced(2, 1), await run.FencedAsync(stale));
        await run.CommitAsync(Scene.Fact("fresh"));
    }

    private static async Task Append_WrongWorker_IsFenced(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.FencedAsync(run.Batch(Scene.Fact()) with { Lease = run.Lease with { Worker = "w2" } });
    }

    private static async Task Append_UnclaimedRun_IsFenced(Scene s)
    {
        Subject run = await s.StartedAsync();
        await run.FencedAsync(run.Batch(Scene.Fact()));
    }

    private static async Task Append_UnknownRun_IsFenced(Scene s)
    {
        RunStart start = s.Start();
        var ghost = new Subject(s, start.Entry);
        Expect.Is<AppendResult.Fenced>(await ghost.AppendAsync(ghost.Batch(Scene.Fact())));
        Expect.Equal(0, (await s.ReadAsync(start.Run)).Count);
    }

    private static async Task Append_AfterRelease_IsFenced(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Parked());
        await run.FencedAsync(run.Batch(Scene.Fact("too late")));
    }

    private static async Task Append_RepeatedBatch_IsFenced(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch batch = run.Batch(Scene.Fact());
        await run.CommitAsync(batch);
        Expect.Is<AppendResult.Fenced>(await run.AppendAsync(batch));
        await run.UnchangedAsync();
    }

    private static async Task Append_ExpiredButUnclaimedLease_Commits(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.AdvanceAsync(Scene.LeaseTime * 10);
        await run.CommitAsync(Scene.Fact());
    }

    private static async Task Append_GapInTheBatch_IsRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        JournalEntry[] entries = run.Entries(Scene.Fact(), Scene.Fact(), Scene.Fact());
        await Expect.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch() with { Entries = [entries[0], entries[2]] }));
        await run.UnchangedAsync();
    }

    private static async Task Append_EntryOfAnotherRun_IsRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        Subject other = await s.ClaimedAsync();
        await Expect.ThrowsAsync<ArgumentException>(() => run.AppendAsync(run.Batch() with { Entries = other.Entries(Scene.Fact()) }));
        await run.UnchangedAsync();
        await other.UnchangedAsync();
    }

    private static async Task Append_BrokenChain_IsRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        JournalEntry good = run.Entries(Scene.Fact())[0];
        JournalEntry broken = JournalEntry.Create(run.Id, 3, run.First.Hash, Scene.Fact(), s.Now);
        await Expect.ThrowsAsync<JournalException>(() => run.AppendAsync(run.Batch() with { Entries = [good, broken] }));
        await run.UnchangedAsync();
    }

    private static async Task Append_EditedPayload_IsRefused(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        JournalEntry good = run.Entries(Scene.Fact("good"))[0];
        var edited = new JournalEntry(run.Id, 2, good.Type, good.Time, EventWire.Write(Scene.Fact("evil")), good.PayloadHash, good.Hash);
        await Expect.ThrowsAsync<JournalException>(() => run.AppendAsync(run.Batch() with { Entries = [edited] }));
        await run.UnchangedAsync();
    }

    private static async Task Append_Fenced_LeavesNothingBehind(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id, "s1");
        Blob blob = Blob.Of(new byte[] { 1, 2, 3 });
        await run.FencedAsync(run.Batch(Scene.Fact()) with
        {
            Lease = run.Lease with { Epoch = 9 },
            Blobs = [blob],
            Consumes = ["s1"],
            Budget = [run.Reserve(new BudgetAmount(1, 1, 1, 1))],
            Snapshot = new RunSnapshot(1, 1, new byte[] { 1 }),
            Status = RunStatus.Completed,
            Reason = "stale",
            Release = new RunRelease(null),
        });
        Expect.Sequence(["s1"], await s.InboxAsync(run.Id));
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(RunStatus.Planning, info.Status);
        Expect.Equal("w1", info.Worker);
        Expect.Equal(BudgetAmount.Zero, info.Reserved);
        Expect.Equal(BudgetAmount.Zero, (await s.BudgetAsync(BudgetScope.Global)).Reserved);
        await s.AdvanceAsync(Scene.LeaseTime);
        Expect.Equal(null, (await run.ClaimAsync()).Snapshot);
    }

    private static async Task Append_ManyAtOnce_OneTakesTheSequence(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        RunBatch[] batches = [.. Enumerable.Range(0, 16).Select(i => run.Batch(Scene.Fact($"writer {i}")))];
        AppendResult[] results = await Scene.AtOnceAsync(16, async i => await s.Store.AppendAsync(batches[i], s.Token));
        Expect.Equal(1, results.Count(r => r is AppendResult.Committed), "batches that committed");
        Expect.Equal(15, results.Count(r => r is AppendResult.Fenced), "batches that were fenced");
        List<JournalEntry> entries = await s.ReadAsync(run.Id);
        Expect.Equal(2, entries.Count);
        Expect.Equal($"writer {Array.FindIndex(results, r => r is AppendResult.Committed)}", Scene.Text(entries[1]));
    }

    private static async Task Append_AfterTheEnd_IsFenced(Scene s)
    {
        foreach (RunStatus status in new[] { RunStatus.Completed, RunStatus.Failed, RunStatus.Cancelled })
        {
            Subject run = await s.ClaimedAsync();
            await run.CommitAsync(run.Ended() with { Status = status });
            await run.FencedAsync(run.Batch(Scene.Fact("after the end")));
            Expect.Equal(status, (await s.InfoAsync(run.Id)).Status);
        }
    }

    private static async Task Append_TheEnd_GivesTheLeaseBackForEver(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await s.SignalAsync(run.Id);
        await run.CommitAsync(run.Ended() with { Release = new RunRelease(s.Now) });
        RunInfo info = await s.InfoAsync(run.Id);
        Expect.Equal(null, info.Worker);
        Expect.Equal(null, info.ClaimableAt);
        await s.AdvanceAsync(Scene.LeaseTime * 100);
        Expect.Equal(null, await s.ClaimAsync());
        Expect.Equal(null, await s.ClaimAsync(run.Id));
    }

    private static async Task Read_After_GivesTheRest(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(Scene.Fact("a"), Scene.Fact("b"));
        await run.CommitAsync(Scene.Fact("c"));
        Expect.Sequence([3L, 4L], (await s.ReadAsync(run.Id, after: 2)).Select(e => e.Sequence));
        Expect.Sequence([], (await s.ReadAsync(run.Id, after: 4)).Select(e => e.Sequence));
        Expect.Sequence([], (await s.ReadAsync(run.Id, after: 1_000)).Select(e => e.Sequence));
    }

    private static async Task Read_UnknownRun_IsEmpty(Scene s)
    {
        await s.StartedAsync();
        Expect.Equal(0, (await s.ReadAsync(RunId.New(s.Host.Time))).Count);
    }

    private static async Task Read_Journal_IsGenuine(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        List<JournalEntry> written = [run.First];
        for (int i = 0; i < 5; i++)
        {
            await s.AdvanceAsync(TimeSpan.FromMilliseconds(7));
            RunBatch batch = run.Batch(
                Scene.Fact($"Zürich → 東京 🚀 \0 {i}"), new StateChanged(RunStatus.Planning, RunStatus.Executing, "r", "d"));
            await run.CommitAsync(batch);
            written.AddRange(batch.Entries);
        }

        ReadOnlyMemory<byte> head = JournalEntry.Origin;
        List<JournalEntry> read = await s.ReadAsync(run.Id);
        Expect.Equal(written.Count, read.Count);
        foreach ((JournalEntry expected, JournalEntry actual) in written.Zip(read))
        {
            actual.Verify(head);
            head = actual.Hash;
            Expect.Equal(run.Id, actual.Run);
            Expect.Equal(expected.Type, actual.Type);
            Expect.Equal(expected.Time, actual.Time);
            Expect.Bytes(expected.Payload, actual.Payload);
            Expect.Bytes(expected.PayloadHash, actual.PayloadHash);
            Expect.Bytes(expected.Hash, actual.Hash);
        }
    }

    private static async Task Read_LargePayloads_ComeBackWhole(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        int inline = new StoreLimits().InlinePayload;
        foreach (int size in new[] { inline - 100, inline, inline + 1, inline * 2, 1 << 20 })
        {
            string text = new('x', size);
            await run.CommitAsync(Scene.Fact(text));
            JournalEntry entry = (await s.ReadAsync(run.Id, run.Sequence - 1))[0];
            Expect.Equal(text.Length, Scene.Text(entry).Length);
            Expect.Bytes(run.Head.Payload, entry.Payload);
        }
    }

    private static async Task Read_SameLargePayloadInTwoRuns_ComesBackInBoth(Scene s)
    {
        Subject one = await s.ClaimedAsync(tenant: "acme");
        Subject two = await s.ClaimedAsync(tenant: "globex");
        RunEvent large = Scene.Fact(new string('y', 100_000));
        await one.CommitAsync(large, large);
        await two.CommitAsync(large);
        Expect.Sequence([100_000, 100_000], (await s.ReadAsync(one.Id, 1)).Select(e => Scene.Text(e).Length));
        Expect.Sequence([100_000], (await s.ReadAsync(two.Id, 1)).Select(e => Scene.Text(e).Length));
    }

    private static async Task Snapshot_Kept_ComesWithTheClaim(Scene s)
    {
        Subject run = await s.ClaimedAsync();
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Snapshot = new RunSnapshot(2, 1, new byte[] { 1, 2 }) });
        await run.CommitAsync(run.Batch(Scene.Fact()) with { Snapshot = new RunSnapshot(3, 7, new byte[70_000]) });
        await run.CommitAsync(run.Parked(s.Now));
        RunSnapshot snapshot = Expect.NotNull((await run.ClaimAsync()).Snapshot);
        Expect.Equal(3L, snapshot.Sequence);
        Expect.Equal(7, snapshot.Version);
        Expect.Bytes(new byte[70_000], snapshot.Data);
    }

    private static async Task Snapshot_None_IsNull(Scene s)
    {
        Subject run = await s.StartedAsync();
        Expect.Equal(null, (await run.ClaimAsync()).Snapshot);
    }
}
