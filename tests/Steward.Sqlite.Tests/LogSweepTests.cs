using System.Buffers.Binary;
using Microsoft.Extensions.Time.Testing;
using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;
using Steward.Tests.Shared;

namespace Steward.Sqlite.Tests;

/// <summary>A node died, and its log is cut or garbled at every frame (every fourth by default): whatever is left, each run goes on or is named, and none is just never claimed.</summary>
public sealed class LogSweepTests(ITestOutputHelper output) : IDisposable
{
    private const int Header = 32;
    private const int FrameHeader = 24;
    private readonly TestFolder _folder = new();
    private readonly List<TestRun> _runs = [];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    /// <summary>How much of the log had been copied into the database before the node died: SQLite does so at its own times, and the log stays as it is.</summary>
    public enum Copied
    {
        Nothing,
        Half,
        All,
    }

    public enum Harm
    {
        Cut,
        GarbledHeader,
        GarbledPage,
    }

    public static TheoryData<Copied, Harm, bool> Cases =>
    [
        .. from copied in new[] { Copied.Nothing, Copied.All } from harm in Enum.GetValues<Harm>() select (copied, harm, true),
        (Copied.Half, Harm.GarbledPage, true),
        .. from copied in new[] { Copied.Nothing, Copied.All } select (copied, Harm.Cut, false),
    ];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Log_HarmedAtAnyFrame_EachRunGoesOnOrIsNamed(Copied copied, Harm harm, bool witness)
    {
        using TestFolder dead = await StoryAsync(copied, witness);
        (int frames, int size) = Frames(dead.Log);
        Assert.True(frames > 40, $"The log has only {frames} frames.");
        Tally all = new();
        int step = SuiteSize.Of(4, 2);
        foreach (int frame in Enumerable.Range(0, frames + 1).Where(f => f % step == 0 || f >= frames - 1))
        {
            using TestFolder copy = dead.Copy(witness);
            if (frame < frames)
                Do(harm, copy.Log, frame, size);
            try
            {
                all += await ExamineAsync(copy, witness, $"{harm} at {frame} of {frames}");
            }
            catch (StoreException e) when (e.Failure == StoreFailure.Corrupt && copied == Copied.All)
            {
                // Old pages of the log lie over newer ones of the database: SQLite itself says that the file is damaged.
                all += new Tally { Files = 1 };
            }
        }

        output.WriteLine($"{frames} frames: {all}");
        Assert.True(all.GoOn > 0);
        Assert.Equal(witness, all.Named > 0);
    }

    public void Dispose() => _folder.Dispose();

    private async Task<Tally> ExamineAsync(TestFolder copy, bool witness, string what)
    {
        // By then every lease has expired, and every timer is due.
        FakeTimeProvider later = new(TimeProvider.System.GetUtcNow() + TimeSpan.FromHours(1));
        await using SqliteStewardStore store = await copy.OpenAsync(time: later);
        IReadOnlyList<StoreProblem> problems = await store.VerifyAsync(cancellationToken: Token);
        HashSet<RunId> named = [.. problems.Where(p => p.Run is not null).Select(p => p.Run!.Value)];
        bool isFileNamed = problems.Any(p => p.Run is null);
        Dictionary<RunId, RunInfo> there = (await store.FindAsync(new RunQuery { Limit = 100 }, Token)).ToDictionary(r => r.Run);
        HashSet<RunId> claimed = [.. (await store.ClaimAsync(new ClaimRequest { Worker = "next", Duration = TimeSpan.FromMinutes(1), Max = 100 }, Token)).Select(c => c.Lease.Run)];
        Tally tally = new() { Files = isFileNamed ? 1 : 0 };
        foreach (TestRun run in _runs)
        {
            RunInfo? info = there.GetValueOrDefault(run.Id);
            string which = $"{what}: run {_runs.IndexOf(run)}, {info?.Status} ({info?.Reason}) at {info?.Sequence} of {run.Head.Sequence}, claimable at {info?.ClaimableAt:O}";
            bool isLost = info is null || info.Sequence < run.Head.Sequence;
            Assert.True(!witness || !isLost || named.Contains(run.Id), $"Lost, and nobody says so: {which}");
            Assert.False(claimed.Contains(run.Id) && named.Contains(run.Id), $"Named, and claimed all the same: {which}");
            if (info?.ClaimableAt is not null && !named.Contains(run.Id))
                Assert.True(claimed.Contains(run.Id), $"Never claimed, and nobody says why (file named: {isFileNamed}): {which}");
            tally += new Tally { GoOn = claimed.Contains(run.Id) ? 1 : 0, Named = named.Contains(run.Id) ? 1 : 0 };
        }

        TestRun more = await TestRun.ClaimedAsync(store);
        await more.AppendAsync();
        await more.EndAsync();
        return tally;
    }

    private static void Do(Harm harm, string log, int frame, int size)
    {
        long at = Header + ((long)frame * size);
        using FileStream file = new(log, FileMode.Open);
        switch (harm)
        {
            case Harm.Cut:
                file.SetLength(at);
                break;
            case Harm.GarbledHeader:
                Flip(file, at + 9);
                break;
            default:
                Flip(file, at + FrameHeader + (frame * 37 % (size - FrameHeader)));
                break;
        }
    }

    private static void Flip(FileStream file, long at)
    {
        file.Position = at;
        int old = file.ReadByte();
        file.Position = at;
        file.WriteByte((byte)(old ^ 0x55));
    }

    private static (int Count, int Size) Frames(string log)
    {
        byte[] bytes = File.ReadAllBytes(log);
        int size = FrameHeader + BinaryPrimitives.ReadInt32BigEndian(bytes.AsSpan(8));
        int count = Enumerable.Range(0, (bytes.Length - Header) / size).TakeWhile(i => bytes.AsSpan(Header + (i * size) + 8, 8).SequenceEqual(bytes.AsSpan(16, 8))).Count();
        return (count, size);
    }

    /// <summary>Some runs in the database; the same and others in the log: at work, waiting for a time, for a signal, for their turn in a session, and at their end.</summary>
    private async Task<TestFolder> StoryAsync(Copied copied, bool witness)
    {
        await using (SqliteStewardStore before = await _folder.OpenAsync())
        {
            for (int i = 0; i < 3; i++)
            {
                _runs.Add(await TestRun.ClaimedAsync(before));
                await _runs[i].AppendAsync();
            }
        }

        await using SqliteStewardStore store = await _folder.OpenAsync(o => o with { AutoCheckpoint = 100_000 });
        for (int i = 0; i < 3; i++)
            _runs[i] = _runs[i].On(store);
        await RoundAsync(store, "one");
        if (copied == Copied.Half)
            Checkpoint();
        await RoundAsync(store, "two");
        if (copied == Copied.All)
            Checkpoint();
        return _folder.Copy(witness);
    }

    private async Task RoundAsync(SqliteStewardStore store, string session)
    {
        TestRun first = await TestRun.ClaimedAsync(store, start: TestRun.Start(session: session));
        RunStart second = TestRun.Start(session: session) with { SessionPolicy = SessionPolicy.Enqueue };
        await store.StartAsync(second, Token);
        _runs.AddRange([first, new TestRun(store, second.Entry)]);
        await Task.WhenAll(_runs.Take(3).Select(run => run.AppendAsync(2, new string('x', 700))));
        await store.RenewAsync("w1", [.. _runs.Take(3).Select(run => run.Lease)], TimeSpan.FromMinutes(10), Token);
        TestRun waiting = await TestRun.ClaimedAsync(store);
        TestRun timed = await TestRun.ClaimedAsync(store);
        _runs.AddRange([waiting, timed]);
        await ParkAsync(waiting, null);
        await ParkAsync(timed, TimeProvider.System.GetUtcNow() + TimeSpan.FromMinutes(20));
        await first.AppendAsync(1, new string('y', 6_000));
        await first.EndAsync();
        await store.SignalAsync(new Signal($"go-{session}", waiting.Id, new MessageSignal([new TextPart("go")])), Token);
        await waiting.ClaimAsync();
        await Task.WhenAll(_runs.Take(3).Append(waiting).Select(run => run.AppendAsync(1, new string('z', 3_000))));
    }

    private static async Task ParkAsync(TestRun run, DateTimeOffset? wake) =>
        Assert.IsType<AppendResult.Committed>(await run.AppendAsync(run.Batch() with { Status = RunStatus.Awaiting, Reason = "waits", Release = new RunRelease(wake) }));

    private void Checkpoint()
    {
        using Db db = Db.Open(_folder.Database, TimeSpan.FromSeconds(5));
        db.ForbidCheckpointOnClose();
        db.Execute("PRAGMA wal_checkpoint(PASSIVE)");
    }

    private sealed record Tally
    {
        public int GoOn { get; init; }

        public int Named { get; init; }

        /// <summary>Times that the file itself was called damaged.</summary>
        public int Files { get; init; }

        public static Tally operator +(Tally a, Tally b) => new() { GoOn = a.GoOn + b.GoOn, Named = a.Named + b.Named, Files = a.Files + b.Files };
    }
}
