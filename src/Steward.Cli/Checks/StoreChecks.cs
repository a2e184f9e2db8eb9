using System.Runtime.CompilerServices;
using Steward.Cli.Host;
using Steward.Cli.Rendering;
using Steward.Declarative.Stores;
using Steward.Diagnostics;
using Steward.Journal;
using Steward.Postgres;
using Steward.Storage;

namespace Steward.Cli.Checks;

/// <summary>Whether a database can be trusted and written: journals, witness, clock, disk, switches.</summary>
internal static class StoreChecks
{
    private const int Recent = 200;
    private const int MostShown = 50;
    private const long Small = 256L << 20;
    private const long LittleRoom = 512L << 20;
    private const long NoRoom = 32L << 20;
    private static readonly TimeSpan s_skew = TimeSpan.FromSeconds(5);

    public static async Task<IReadOnlyList<Check>> RunAsync(
        StoreAddress address,
        bool deep,
        bool acceptLoss,
        AnchorRequest anchor,
        Output output,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        List<Check> checks = address.Path is { } file ? [Disk(file)] : [];
        if (!address.MayExist)
        {
            checks.Add(Check.Ok("database", $"{address} is not there yet; the first run makes it"));
            return checks;
        }

        if (acceptLoss && address.Path is null)
            throw new UsageException(
                "--accept-loss is for a SQLite file. What a PostgreSQL database lost is noticed by the nodes that saw it: start those again to go on from what is there (docs/scaling.md).");
        if (address.Path is { } own && PrivateFiles.IsOpenToOthers(own))
            checks.Add(Check.Warn(
                "privacy", $"{own} holds what people and models said, and others than its owner may read it", $"chmod 600 {own}*"));
        OpenStore store;
        try
        {
            store = await OpenStore.OpenAsync(address, output, time, acceptLoss, cancellationToken);
        }
        catch (StoreException e)
        {
            checks.Add(Check.Fail("database", e.Message, "Mend what the message names, or restore the database from a backup."));
            return checks;
        }

        await using (store)
        {
            long bytes = address.Path is { } path ? new FileInfo(path).Length : 0;
            bool indexes = true;
            if (store.Store is PostgresStewardStore server)
            {
                PostgresServerInfo info = await server.DescribeAsync(cancellationToken);
                bytes = info.Bytes;
                indexes = info.ChecksIndexes;
                checks.AddRange(ServerChecks.Of(address, info, time));
            }
            else
            {
                checks.Add(Check.Ok("database", $"{address} opens ({Show.Bytes(bytes)})"));
            }

            IReadOnlyList<Check> journals = await JournalsAsync(store.Store, deep || bytes < Small, indexes, cancellationToken);
            checks.AddRange(journals);
            checks.AddRange(await AnchorChecks.RunAsync(
                store.Store, anchor, journals.All(c => c.Level != CheckLevel.Fail), time, cancellationToken));
            checks.Add(await ClockAsync(store.Store, time, cancellationToken));
            checks.AddRange(await SwitchesAsync(store.Store, cancellationToken));
        }

        return checks;
    }

    /// <summary>Everything is read when asked for, or when it is little; of a large database only the newest runs.</summary>
    private static async Task<IReadOnlyList<Check>> JournalsAsync(
        IStewardStore store, bool all, bool indexes, CancellationToken cancellationToken)
    {
        HashSet<RunId> named = [];
        IVerifiableStore? verifiable = all ? store.GetService<IVerifiableStore>() : null;
        List<Check> wrong = verifiable is null
            ? []
            : Problems(await verifiable.VerifyAsync(cancellationToken: cancellationToken), named);
        int runs = 0;
        await foreach (RunHead head in verifiable?.HeadsAsync(cancellationToken) ?? NewestAsync(store, cancellationToken))
        {
            runs++;
            if (!named.Contains(head.Run))
                wrong.AddRange(await JournalAsync(store, head, cancellationToken));
            if (wrong.Count >= MostShown)
                return wrong;
        }

        if (wrong.Count > 0)
            return wrong;
        return [Check.Ok("journals", verifiable is not null
            ? $"every chain, payload{(indexes ? ", blob and index" : " and blob")} holds, and every row is what its journal says"
            : $"the newest {Show.Count(runs, "run")} hold, and their rows are what their journals say; --deep reads everything")];
    }

    private static async IAsyncEnumerable<RunHead> NewestAsync(
        IStewardStore store,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        foreach (RunInfo run in await store.FindAsync(new RunQuery { Limit = Recent }, cancellationToken))
            yield return new RunHead(run.Run, run.Sequence, default);
    }

    /// <summary>One finding for each run, however much is wrong with it, and one for each problem that is of no run.</summary>
    private static List<Check> Problems(IReadOnlyList<StoreProblem> problems, HashSet<RunId> named)
    {
        List<Check> checks = [];
        foreach (StoreProblem problem in problems)
        {
            if (problem.Run is not { } run)
                checks.Add(Problem(problem, 0));
            else if (named.Add(run))
                checks.Add(Problem(problem, problems.Count(p => p.Run == run) - 1));
        }

        return checks;
    }

    private static Check Problem(StoreProblem problem, int more)
    {
        string where = problem.Run is { } run ? $"Run {run}{(problem.Sequence is { } sequence ? $", sequence {sequence}" : "")}: " : "";
        return Check.Fail(
            "journal",
            $"{where}{problem.Description}{(more > 0 ? $" (and {more} more of this run)" : "")}",
            "Restore the database from a backup. If what is missing is lost for good: 'steward doctor --accept-loss'.");
    }

    /// <summary>What is wrong with a run's journal, or with the rows that were made from it.</summary>
    private static async Task<IReadOnlyList<Check>> JournalAsync(IStewardStore store, RunHead run, CancellationToken cancellationToken)
    {
        try
        {
            return
            [
                .. (await RowAudit.CheckAsync(store, run.Run, cancellationToken)).Select(p => Check.Fail(
                    "rows", p.Description, "Find out who wrote into the database, and restore it from a backup.")),
            ];
        }
        catch (JournalException e)
        {
            return
            [
                Check.Fail(
                    "journal",
                    $"Run {run.Run}, sequence {e.Sequence}: {e.Message}",
                    $"Restore the database from a backup, or end the run with 'steward cancel {run.Run}'. Until then it is not worked on."),
            ];
        }
        catch (StoreException e)
        {
            return [Check.Fail("journal", $"Run {run.Run}: {e.Message}", "Restore the database from a backup.")];
        }
    }

    /// <summary>Leases and timers go by the clock: one that has fallen behind the journal makes them all late.</summary>
    private static async Task<Check> ClockAsync(IStewardStore store, TimeProvider time, CancellationToken cancellationToken)
    {
        DateTimeOffset now = time.GetUtcNow();
        IReadOnlyList<RunInfo> runs = await store.FindAsync(new RunQuery { Limit = Recent }, cancellationToken);
        DateTimeOffset newest = runs.Count == 0 ? now : runs.Max(r => r.UpdatedAt);
        return newest - now > s_skew
            ? Check.Fail(
                "clock",
                $"The clock says {Show.Moment(now)}, but the journal has entries of {Show.Moment(newest)}",
                "Set the clock (NTP); until then leases and timers are late.")
            : Check.Ok("clock", $"{Show.Moment(now)}, not behind the journal");
    }

    private static async Task<IReadOnlyList<Check>> SwitchesAsync(IStewardStore store, CancellationToken cancellationToken)
    {
        IReadOnlyList<KillSwitch> engaged = await store.SwitchesAsync(cancellationToken);
        return engaged.Count == 0
            ? [Check.Ok("switches", "no kill switch is engaged")]
            : [.. engaged.Select(s => Check.Warn("switches", $"{s.Scope} is engaged by {s.By} since {Show.Moment(s.At)}{(s.Reason is null ? "" : $": {s.Reason}")}", $"steward kill off {s.Scope}"))];
    }

    private static Check Disk(string path)
    {
        string folder = Path.GetDirectoryName(path)!;
        while (!Directory.Exists(folder))
            folder = Path.GetDirectoryName(folder)!;
        long free = new DriveInfo(folder).AvailableFreeSpace;
        string text = $"{Show.Bytes(free)} free at {folder}";
        return free switch
        {
            < NoRoom => Check.Fail("disk", text, "Free some room: a full disk stops every run, and loses none."),
            < LittleRoom => Check.Warn("disk", text, "Free some room soon."),
            _ => Check.Ok("disk", text),
        };
    }
}
