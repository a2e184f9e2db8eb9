using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tests;

public sealed class IntegrityTests : IDisposable
{
    private const int Offsets = 100;
    private readonly TestFolder _folder = new();

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    public enum Damage
    {
        Truncated,
        Garbled,
    }

    [Theory]
    [InlineData(Damage.Truncated, true)]
    [InlineData(Damage.Truncated, false)]
    [InlineData(Damage.Garbled, true)]
    [InlineData(Damage.Garbled, false)]
    public async Task Log_Damaged_YieldsAPrefixAndTheWitnessNamesEveryLoss(Damage damage, bool witness)
    {
        List<TestRun> runs = await StartRunsAsync(4);
        await using SqliteStewardStore store = await _folder.OpenAsync(o => o with { AutoCheckpoint = 100_000 });
        runs = [.. runs.Select(run => run.On(store))];
        for (int i = 0; i < 15; i++)
            await Task.WhenAll(runs.Select(run => run.AppendAsync(1 + (i % 3), new string('x', 300 * i))));
        using TestFolder taken = _folder.Copy(witness);
        long length = new FileInfo(taken.Log).Length;
        int losses = 0;

        for (int i = 0; i < Offsets; i++)
        {
            using TestFolder copy = taken.Copy(witness);
            Harm(copy.Log, damage, length * i / Offsets);
            losses += await CountLossesAsync(copy, runs, witness);
        }

        // Nearly every cut loses something: the test would be empty otherwise.
        Assert.True(losses > Offsets);
    }

    [Fact]
    public async Task Log_Lost_OtherRunsGoOn()
    {
        List<TestRun> runs = await StartRunsAsync(2);
        await using (SqliteStewardStore store = await _folder.OpenAsync(o => o with { AutoCheckpoint = 100_000 }))
        {
            await runs[0].On(store).AppendAsync(3);
            using TestFolder copy = _folder.Copy(witness: true);
            File.Delete(copy.Log);
            await using SqliteStewardStore after = await copy.OpenAsync();

            JournalException lost = await Assert.ThrowsAsync<JournalException>(async () => await after.ClaimOneAsync(Request(runs[0].Id), Token));
            Assert.Contains("sequence 5 was acknowledged, but the database ends at 2", lost.Message, StringComparison.Ordinal);
            await Assert.ThrowsAsync<JournalException>(async () => await after.AppendAsync(runs[0].Batch(), Token));
            await runs[1].On(after).AppendAsync();
            Assert.Equal(runs[0].Id, Assert.Single(await after.VerifyAsync(cancellationToken: Token)).Run);
            await TestRun.ClaimedAsync(after);
        }
    }

    [Fact]
    public async Task OlderBackup_Restored_IsNoticedForChangedAndForMissingRuns()
    {
        List<TestRun> runs = await StartRunsAsync(3);
        using TestFolder backup = _folder.Copy(witness: true);
        TestRun newer;
        await using (SqliteStewardStore store = await _folder.OpenAsync())
        {
            await runs[0].On(store).AppendAsync();
            newer = await TestRun.ClaimedAsync(store);
        }

        File.Copy(backup.Database, _folder.Database, overwrite: true);
        await using (SqliteStewardStore restored = await _folder.OpenAsync())
        {
            IReadOnlyList<StoreProblem> problems = await restored.VerifyAsync(cancellationToken: Token);
            Assert.Equal([(runs[0].Id, 3L), (newer.Id, 1L)], problems.Select(p => (p.Run!.Value, p.Sequence!.Value)));
            await Assert.ThrowsAsync<JournalException>(async () => await restored.ClaimOneAsync(Request(newer.Id), Token));
        }

        await using SqliteStewardStore accepted = await _folder.OpenAsync(o => o with { AcceptLoss = true });
        Assert.Empty(await accepted.VerifyAsync(cancellationToken: Token));
        TestRun again = new TestRun(accepted, runs[0].Acknowledged[^1]);
        await accepted.SignalAsync(new Signal("wake", again.Id, new CancelSignal("ann", null)), Token);
        Assert.Equal(2, (await TestRun.InfoAsync(accepted, again.Id))!.Sequence);
    }

    [Fact]
    public async Task OlderBackup_WrittenOn_IsNoticedByItsHash()
    {
        List<TestRun> runs = await StartRunsAsync(1);
        using TestFolder backup = _folder.Copy(witness: false);
        await using (SqliteStewardStore store = await _folder.OpenAsync())
            await runs[0].On(store).AppendAsync(1, "one story");
        await using (SqliteStewardStore other = await backup.OpenAsync())
            await runs[0].On(other).AppendAsync(2, "another story");

        File.Copy(backup.Database, _folder.Database, overwrite: true);
        await using SqliteStewardStore restored = await _folder.OpenAsync();
        JournalException error = await Assert.ThrowsAsync<JournalException>(async () => await restored.ClaimOneAsync(Request(runs[0].Id), Token));
        Assert.Equal((runs[0].Id, 3L), (error.Run!.Value, error.Sequence!.Value));
        Assert.Contains("another way", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Claim_RefusedRunIsFirst_TakesTheNext()
    {
        JournalEntry[] starts = new JournalEntry[2];
        await using (SqliteStewardStore store = await _folder.OpenAsync())
        {
            for (int i = 0; i < 2; i++)
            {
                RunStart start = TestRun.Start();
                await store.StartAsync(start, Token);
                starts[i] = start.Entry;
            }
        }

        using (Witness witness = Witness.Open(_folder.Database))
            witness.Append([WitnessRecord.Of(starts[0].Run, 9, starts[0].Hash.Span)]);
        await using SqliteStewardStore again = await _folder.OpenAsync();
        Claim? claim = await again.ClaimOneAsync(Request(null), Token);
        Assert.Equal(starts[1].Run, claim!.Lease.Run);
        Assert.Null(await again.ClaimOneAsync(Request(null), Token));
    }

    [Theory]
    [InlineData("UPDATE event SET payload = replace(payload, 'noted', 'nated') WHERE seq = 3", 3)]
    [InlineData("UPDATE event SET time = time + 1 WHERE seq = 2", 2)]
    [InlineData("UPDATE event SET type = 'run.failed' WHERE seq = 4", 4)]
    [InlineData("UPDATE event SET hash = zeroblob(32) WHERE seq = 5", 5)]
    [InlineData("DELETE FROM event WHERE seq = 3", 3)]
    [InlineData("DELETE FROM event WHERE seq = 6", 6)]
    [InlineData("DELETE FROM event WHERE seq = 6; UPDATE run SET head = 5", 5)]
    [InlineData("DELETE FROM blob", 4)]
    [InlineData("UPDATE blob SET content = zeroblob(length(content))", 4)]
    public async Task Journal_Edited_IsNoticed(string edit, long sequence)
    {
        TestRun run;
        await using (SqliteStewardStore store = await _folder.OpenAsync())
        {
            run = await TestRun.ClaimedAsync(store);
            await run.AppendAsync(2);
            await run.AppendAsync(1, new string('b', 40_000));
            await run.AppendAsync(2);
        }

        using (Db db = Db.Open(_folder.Database, TimeSpan.Zero))
            db.Execute(edit);
        await using SqliteStewardStore again = await _folder.OpenAsync();
        IReadOnlyList<StoreProblem> problems = await again.VerifyAsync(run.Id, Token);
        Assert.Contains(problems, p => p.Run == run.Id && p.Sequence == sequence);
        Assert.NotEmpty(await again.VerifyAsync(cancellationToken: Token));
        bool headMoved = edit.Contains("head", StringComparison.Ordinal);
        if (!headMoved)
        {
            JournalException error = await Assert.ThrowsAsync<JournalException>(() => TestRun.ReadAsync(again, run.Id));
            Assert.Equal((run.Id, sequence), (error.Run!.Value, error.Sequence!.Value));
        }
    }

    [Fact]
    public async Task Witness_Missing_IsNoError()
    {
        List<TestRun> runs = await StartRunsAsync(1);
        File.Delete(_folder.Witness);
        await using SqliteStewardStore store = await _folder.OpenAsync();
        await runs[0].On(store).AppendAsync();
        Assert.Equal(runs[0].Id, Assert.Single(Witness.Load(_folder.Database)).Run);
    }

    [Fact]
    public void Witness_TornAndGarbled_SkipsOnlyWhatIsDamaged()
    {
        WitnessRecord[] records = [.. Enumerable.Range(1, 20).Select(i => new WitnessRecord(RunId.New(TimeProvider.System), i, (UInt128)i))];
        using (Witness witness = Witness.Open(_folder.Database))
        {
            foreach (WitnessRecord record in records)
                witness.Append([record]);
        }

        byte[] bytes = File.ReadAllBytes(_folder.Witness);
        bytes[(3 * WitnessRecord.Size) + 20] ^= 0xff;
        byte[] torn = [.. bytes[..(7 * WitnessRecord.Size)], 1, 2, 3, .. bytes[(7 * WitnessRecord.Size)..^5]];
        File.WriteAllBytes(_folder.Witness, torn);

        Assert.Equal([.. records.Where((_, i) => i is not 3 and not 19)], Witness.Load(_folder.Database));
    }

    [Fact]
    public async Task Witness_Large_IsCompactedWhenOpenedAlone()
    {
        List<TestRun> runs = await StartRunsAsync(2);
        using (Witness witness = Witness.Open(_folder.Database))
        {
            WitnessRecord[] old = [.. Enumerable.Repeat(WitnessRecord.Of(runs[0].Id, 1, runs[0].Acknowledged[0].Hash.Span), 1_000)];
            for (int i = 0; i < 100; i++)
                witness.Append(old);
        }

        List<WitnessRecord> before = Witness.Load(_folder.Database);
        Assert.True(new FileInfo(_folder.Witness).Length > 4_000_000);
        await using (SqliteStewardStore store = await _folder.OpenAsync())
            await runs[1].On(store).AppendAsync();
        Assert.Equal(3 * WitnessRecord.Size, new FileInfo(_folder.Witness).Length);
        Assert.Equal(before[0], Witness.Load(_folder.Database)[0]);
    }

    public void Dispose() => _folder.Dispose();

    private static ClaimRequest Request(RunId? run) => new() { Worker = "w2", Duration = TimeSpan.FromMinutes(1), Run = run };

    /// <summary>Runs with two entries each, all of them in the database file.</summary>
    private async Task<List<TestRun>> StartRunsAsync(int count)
    {
        await using SqliteStewardStore store = await _folder.OpenAsync();
        List<TestRun> runs = [];
        for (int i = 0; i < count; i++)
        {
            runs.Add(await TestRun.ClaimedAsync(store));
            await runs[i].AppendAsync();
        }

        return runs;
    }

    private static void Harm(string file, Damage damage, long offset)
    {
        using FileStream stream = new(file, FileMode.Open);
        if (damage == Damage.Truncated)
        {
            stream.SetLength(offset);
            return;
        }

        Span<byte> bytes = stackalloc byte[16];
        stream.Position = offset;
        int read = stream.Read(bytes);
        foreach (ref byte b in bytes[..read])
            b ^= 0x5a;
        stream.Position = offset;
        stream.Write(bytes[..read]);
    }

    private static async Task<int> CountLossesAsync(TestFolder copy, List<TestRun> runs, bool witness)
    {
        await using SqliteStewardStore store = await copy.OpenAsync();
        IReadOnlyList<StoreProblem> problems = await store.VerifyAsync(cancellationToken: Token);
        int losses = 0;
        foreach (TestRun run in runs)
        {
            List<JournalEntry> there = await TestRun.ReadAsync(store, run.Id);
            Assert.Equal(run.Acknowledged.Take(there.Count).Select(e => e.Hash.ToArray()), there.Select(e => e.Hash.ToArray()));
            bool lost = there.Count < run.Acknowledged.Count;
            losses += lost ? 1 : 0;
            Assert.Equal(lost && witness, problems.Any(p => p.Run == run.Id && p.Sequence == there.Count + 1));
            if (lost && witness)
                await Assert.ThrowsAsync<JournalException>(async () => await store.ClaimOneAsync(Request(run.Id), Token));
        }

        return losses;
    }
}
