using System.Security.Cryptography;
using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>The full check of a database: reads everything, believes nothing.</summary>
internal static class Verification
{
    private const int HeadsAtOnce = 1_000;

    private const string AllEntries = """
        SELECT e.seq, e.type, e.time, coalesce(e.payload, b.content), e.payload_hash, e.hash
        FROM event e LEFT JOIN blob b ON e.in_blob = 1 AND b.hash = e.payload_hash
        WHERE e.run = ?1 ORDER BY e.seq
        """;

    public static List<StoreProblem> Check(Db db, RunId? only, CancellationToken cancellationToken)
    {
        List<StoreProblem> problems = [];
        // Before the snapshot begins: what is written down later may not be in it yet.
        List<WitnessRecord> records = [.. Witness.Load(db.Path).Where(r => only is null || r.Run == only)];
        if (only is null)
            Part(problems, () => CheckFile(db, problems));
        Part(problems, () => CheckRuns(db, only, problems, cancellationToken));
        Part(problems, () => CheckWitness(db, records, problems));
        if (only is null)
            Part(problems, () => CheckBlobs(db, problems, cancellationToken));
        return problems;
    }

    /// <summary>Where the next runs end; the number of the last of them, null when there are no more.</summary>
    public static (List<RunHead> Heads, long? After) Heads(Db db, long after)
    {
        List<(long Id, RunHead Head)> rows = db.Prepare("SELECT id, uuid, head, head_hash FROM run WHERE id > ?1 ORDER BY id LIMIT ?2")
            .Bind(1, after)
            .Bind(2, HeadsAtOnce)
            .All(static s => (s.Int64(0), new RunHead(new RunId(s.Guid(1)), s.Int64(2), s.Bytes(3))));
        return ([.. rows.Select(r => r.Head)], rows.Count == HeadsAtOnce ? rows[^1].Id : null);
    }

    /// <summary>What cannot be read is a problem, not the end of the check.</summary>
    private static void Part(List<StoreProblem> problems, Action check)
    {
        try
        {
            check();
        }
        catch (SqliteFailure e)
        {
            problems.Add(new StoreProblem(null, null, e.ToStoreException().Message));
        }
    }

    private static void CheckFile(Db db, List<StoreProblem> problems)
    {
        // Not the quick check, which does not compare the indexes with the tables.
        foreach (string line in db.Prepare("PRAGMA integrity_check(20)").All(static s => s.Text(0)))
        {
            if (line != "ok")
                problems.Add(new StoreProblem(null, null, $"The file is damaged: {line}."));
        }

        long strays = db.Number("SELECT count(*) FROM event WHERE run NOT IN (SELECT id FROM run)");
        if (strays > 0)
            problems.Add(new StoreProblem(null, null, $"{strays} journal rows belong to no run."));
    }

    private static void CheckRuns(Db db, RunId? only, List<StoreProblem> problems, CancellationToken cancellationToken)
    {
        List<(long Id, RunId Run, long Head, byte[] HeadHash)> runs = db
            .Prepare("SELECT id, uuid, head, head_hash FROM run WHERE ?1 IS NULL OR uuid = ?1 ORDER BY id")
            .Bind(1, only?.Value)
            .All(static s => (s.Int64(0), new RunId(s.Guid(1)), s.Int64(2), s.Bytes(3)));
        foreach ((long id, RunId run, long head, byte[] headHash) in runs)
        {
            cancellationToken.ThrowIfCancellationRequested();
            CheckRun(db, id, run, head, headHash, problems);
        }
    }

    private static void CheckRun(Db db, long id, RunId run, long head, byte[] headHash, List<StoreProblem> problems)
    {
        Statement rows = db.Prepare(AllEntries).Bind(1, id);
        ReadOnlyMemory<byte> previous = JournalEntry.Origin;
        long sequence = 0;
        try
        {
            while (rows.Next())
            {
                long found = rows.Int64(0);
                if (found != sequence + 1)
                    problems.Add(
                        new StoreProblem(run, sequence + 1,
                            $"The journal of run {run} has a gap: sequence {sequence + 1} was due, {found} came."));
                CheckEntry(rows, run, previous, problems);
                previous = rows.Bytes(5);
                sequence = found;
            }
        }
        finally
        {
            rows.Reset();
        }

        if (sequence != head)
            problems.Add(
                new StoreProblem(run, Math.Min(sequence, head) + 1,
                    $"The journal of run {run} ends at {sequence}, but its row says {head}."));
        else if (!previous.Span.SequenceEqual(headHash))
            problems.Add(new StoreProblem(run, head, $"The last entry of run {run} is not the one that its row names."));
    }

    private static void CheckEntry(Statement row, RunId run, ReadOnlyMemory<byte> previous, List<StoreProblem> problems)
    {
        try
        {
            Queries.ReadEntry(row, run).Verify(previous);
        }
        catch (Exception e) when (e is JournalException or ArgumentException)
        {
            problems.Add(new StoreProblem(run, row.Int64(0), e.Message));
        }
    }

    private static void CheckWitness(Db db, List<WitnessRecord> records, List<StoreProblem> problems)
    {
        foreach ((RunId run, JournalException loss) in WitnessCheck.Losses(db, records))
            problems.Add(new StoreProblem(run, loss.Sequence, loss.Message));
    }

    private static void CheckBlobs(Db db, List<StoreProblem> problems, CancellationToken cancellationToken)
    {
        Statement rows = db.Prepare("SELECT hash, content FROM blob");
        Span<byte> actual = stackalloc byte[SHA256.HashSizeInBytes];
        try
        {
            while (rows.Next())
            {
                cancellationToken.ThrowIfCancellationRequested();
                SHA256.HashData(rows.Span(1), actual);
                if (!actual.SequenceEqual(rows.Span(0)))
                    problems.Add(
                        new StoreProblem(null, null,
                            $"The content of blob '{Convert.ToHexStringLower(rows.Span(0))}' does not have that SHA-256."));
            }
        }
        finally
        {
            rows.Reset();
        }
    }
}
