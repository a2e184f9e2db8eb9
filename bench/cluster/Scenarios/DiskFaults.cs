using Steward.ClusterBench.Bed;
using Steward.ClusterBench.Faults;
using Steward.ClusterBench.Load;
using Steward.Tests.Shared;

namespace Steward.ClusterBench.Scenarios;

/// <summary>A disk under a SQLite file that fails, fills up, lies, or forgets.</summary>
internal static class DiskFaults
{
    private const int Runs = 16;

    public static IReadOnlyList<Scenario> All { get; } =
    [
        OnSqlite("torn-log", "S1", "a node is killed, and half of a record stands at the end of the log, three times", TornLogAsync) with { IsQuick = true },
        Destroying("garbled-log", "S2", "a node is killed, and a byte in the middle of the log is another", bed => HarmAsync(bed, () => Garble(bed, WriteAheadLog.Middle))),
        Destroying("unheard-commit", "S2", "a node is killed before it hears of its last commit (strace), and a byte of that is another in the log", UnheardCommitAsync) with { Missing = Needs.Strace },
        OnSqlite("disk-full", "S3", "the disk is full for two seconds (a tmpfs of 8 MB)", DiskFullAsync) with { Database = SmallDisk.Mount, Missing = Needs.Tmpfs },
        OnSqlite("failing-syncs", "S4", "syncs fail with EIO (strace)", bed => InjectAsync(bed, "fsync:error=EIO:when=6+9")) with { Missing = Needs.Strace },
        OnSqlite("failing-writes", "S4", "writes fail with EIO (strace)", bed => InjectAsync(bed, "pwrite64:error=EIO:when=90+70")) with { Missing = Needs.Strace },
        OnSqlite("slow-syncs", "S5", "syncs take longer than a lease (strace)", SlowSyncsAsync) with { Missing = Needs.Strace },
        Destroying("lying-syncs", "S6", "syncs do nothing (strace), the power fails, the log's second half is lost", LyingSyncsAsync) with { Missing = Needs.Strace },
        OnSqlite("locked-file", "S7", "two nodes on one file; a neighbour holds its lock for 1.5 s, four times", LockedFileAsync) with { IsQuick = true },
        Destroying("older-backup", "S8", "an older copy of the file takes its place", OlderBackupAsync),
        Destroying("bit-rot", "S9", "a letter of a stored result changes, in each of four runs", BitRotAsync) with { IsQuick = true },
    ];

    private static Scenario OnSqlite(string name, string codes, string what, Func<TestBed, Task> playAsync) =>
        new(name, codes, what, playAsync) { Database = static folder => new SqliteDatabase(folder), Missing = Needs.Nothing };

    private static Scenario Destroying(string name, string codes, string what, Func<TestBed, Task> playAsync) => OnSqlite(name, codes, what, playAsync) with { Destroys = true };

    private static async Task TornLogAsync(TestBed bed)
    {
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        for (; bed.Faults < 3; bed.Faults++)
        {
            Child node = await bed.StartNodeAsync();
            await bed.EffectsAsync(bed.Effects + 20);
            await bed.Load.WithoutStoreAsync(() =>
            {
                node.Kill();
                byte[] torn = new byte[2_000];
                bed.Random.NextBytes(torn);
                using var log = new FileStream(bed.Sqlite.Log, FileMode.Append);
                log.Write(torn);
                return Task.CompletedTask;
            });
        }

        await bed.StartNodeAsync();
    }

    private static async Task DiskFullAsync(TestBed bed)
    {
        var disk = (SmallDisk)bed.Database;
        await bed.StartNodeAsync(bed.NodeOptions("full"));
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.EffectsAsync(30);
        disk.Fill();
        bed.Faults++;
        await Task.Delay(TimeSpan.FromSeconds(2));
        disk.MakeRoom();
        await bed.Load.AllEndAsync();
        ExpectationException.ThrowIfNot(bed.ErrorsOf("full").Contains("full", StringComparison.OrdinalIgnoreCase), "The node did not say that the disk is full.");
    }

    private static async Task InjectAsync(TestBed bed, string inject)
    {
        SyncFault fault = Fault(bed, inject);
        await bed.StartNodeAsync(wrap: start => fault.Start(start.FileName, [.. start.ArgumentList]));
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.Load.AllEndAsync();
        bed.Faults = fault.Injected;
    }

    private static async Task SlowSyncsAsync(TestBed bed)
    {
        SyncFault fault = Fault(bed, "fsync:delay_enter=1500000:when=4+12");
        foreach (string name in (string[])["slow", "other"])
            await bed.StartNodeAsync(bed.NodeOptions(name) with { LeaseMs = 600 }, name == "slow" ? start => fault.Start(start.FileName, [.. start.ArgumentList]) : null);
        await bed.Load.StartRunsAsync(Runs, Mix.Of);
        await bed.Load.AllEndAsync();
        bed.Faults = fault.Slow;
    }

    private static async Task LyingSyncsAsync(TestBed bed)
    {
        SyncFault fault = Fault(bed, "fsync:retval=0");
        await HarmAsync(
            bed,
            () =>
            {
                using FileStream log = new(bed.Sqlite.Log, FileMode.Open);
                log.SetLength(WriteAheadLog.Middle(log));
            },
            fault);
        ExpectationException.ThrowIfNot(fault.Injected > 0, "No sync was made to lie.");
    }

    private static async Task LockedFileAsync(TestBed bed)
    {
        await bed.StartNodeAsync();
        await bed.StartNodeAsync();
        for (; bed.Faults < 4; bed.Faults++)
        {
            // New ones before each fault: on a slow machine the earlier ones may have ended.
            int before = bed.Effects;
            await bed.Load.StartRunsAsync(Runs / 4, Mix.Of);
            await bed.EffectsAsync(before + 10);
            await bed.Sqlite.LockAsync(TimeSpan.FromSeconds(1.5));
        }
    }

    private static async Task OlderBackupAsync(TestBed bed)
    {
        string copy = Path.Combine(bed.Folder, "backup.db");
        Child node = await bed.StartNodeAsync();
        await bed.Load.StartRunsAsync(Runs, Mix.Probed);
        await bed.EffectsAsync(20);
        await bed.Sqlite.ExecuteAsync($"VACUUM INTO '{copy}'");
        await bed.EffectsAsync(bed.Effects + 20);
        await HarmAsync(bed, node, () => bed.Sqlite.Restore(copy));
    }

    private static async Task BitRotAsync(TestBed bed)
    {
        Child node = await bed.StartNodeAsync();
        await bed.Load.StartRunsAsync(Runs, Mix.Probed);
        await bed.EffectsAsync(40);
        await HarmAsync(
            bed,
            node,
            () => bed.Sqlite.ExecuteAsync("""
                UPDATE event SET payload = CAST(replace(CAST(payload AS TEXT), 'done', 'dome') AS BLOB) WHERE id IN (
                    SELECT min(e.id) FROM event e JOIN run r ON r.id = e.run
                    WHERE r.status NOT IN ('completed', 'failed', 'cancelled') AND e.type = 'tool.returned' GROUP BY e.run LIMIT 4)
                """).Wait());
    }

    private static async Task HarmAsync(TestBed bed, Action harm, SyncFault? fault = null)
    {
        Child node = await bed.StartNodeAsync(wrap: fault is null ? null : start => fault.Start(start.FileName, [.. start.ArgumentList]));
        await bed.Load.StartRunsAsync(Runs, Mix.Probed);
        await bed.EffectsAsync(40);
        await HarmAsync(bed, node, harm, () => TestBed.UntilAsync(() => Task.FromResult(WriteAheadLog.Living(bed.Sqlite.Log) >= 40), "the log holds something"));
    }

    /// <summary>The node dies, its file is harmed, another node comes, and new runs besides.</summary>
    /// <param name="bed">The scenario's.</param>
    /// <param name="node">Who dies.</param>
    /// <param name="harm">What is done to the file.</param>
    /// <param name="ready">What is waited for before: closing the store empties the log, and the load generator just closed it too.</param>
    private static async Task HarmAsync(TestBed bed, Child node, Action harm, Func<Task>? ready = null)
    {
        await bed.Load.WithoutStoreAsync(async () =>
        {
            await (ready?.Invoke() ?? Task.CompletedTask);
            node.Kill();
            harm();
        });
        await bed.HarmedAsync();
        await bed.StartNodeAsync();
        await bed.Load.StartRunsAsync(4, Mix.Probed);
    }

    /// <summary>Nobody lost anything that he had been told of. But the store cannot know that, and the last commit of many runs is gone: it names and refuses each of them.</summary>
    private static async Task UnheardCommitAsync(TestBed bed)
    {
        SyncFault fault = new(bed.Sqlite.Store, Path.Combine(bed.Folder, "trace"), "write:delay_exit=400000:when=5+", calls: "write");
        Child node = await bed.StartNodeAsync(wrap: start => fault.Start(start.FileName, [.. start.ArgumentList]));
        await bed.Load.StartRunsAsync(Runs, Mix.Probed);
        await bed.EffectsAsync(20);
        await HarmAsync(bed, node, () => Garble(bed, WriteAheadLog.Last), () => WitnessGrowsAsync($"{bed.Sqlite.Store}-witness"));
        ExpectationException.ThrowIfNot(bed.Harm!.Unheard.Count > 0, "The node had heard of all that was lost.");
    }

    /// <summary>Until several runs have moved in one commit; the node hears of it only when its write into the witness returns.</summary>
    private static async Task WitnessGrowsAsync(string witness)
    {
        const int Several = 4 * 48;
        long Length() => new FileInfo(witness).Length;
        int looks = 0;
        for (long before = Length(), now = before; now < before + Several; (before, now) = (now, Length()))
        {
            ExpectationException.ThrowIfNot(++looks < 12_000, "The witness never grew by several runs at once.");
            await Task.Delay(5);
        }
    }

    private static void Garble(TestBed bed, Func<FileStream, long> frame)
    {
        using FileStream log = new(bed.Sqlite.Log, FileMode.Open);
        long at = frame(log) + bed.Random.Next(4_000);
        log.Position = at;
        int old = log.ReadByte();
        log.Position = at;
        log.WriteByte((byte)(old ^ 0x55));
    }

    private static SyncFault Fault(TestBed bed, string inject) => new(bed.Sqlite.Store, Path.Combine(bed.Folder, "trace"), inject);
}
