using Npgsql;
using Steward.Journal;
using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres;

/// <summary>The full check of a database: reads everything, believes nothing.
/// One entry is in memory at a time, and no snapshot is held for long.</summary>
internal sealed class Verification(Tx tx)
{
    private const int RunsAtOnce = 100;
    private const int HeadsAtOnce = 1_000;
    private readonly List<StoreProblem> _problems = [];
    private Checked? _run;

    public static async Task<IReadOnlyList<StoreProblem>> RunAsync(Tx tx, RunId? only)
    {
        var verification = new Verification(tx);
        for (long? after = 0; after is { } last;)
            after = await verification.CheckRunsAsync(last, only);
        if (only is null)
        {
            await verification.CheckBlobsAsync();
            await verification.CheckStraysAsync();
        }

        return verification._problems;
    }

    /// <summary>Where the next runs end; the number of the last of them, null when there are no more.</summary>
    public static async Task<(List<RunHead> Heads, long? After)> HeadsAsync(Tx tx, long after)
    {
        List<(long Id, RunHead Head)> rows = await tx.AllAsync(
            "SELECT id, uuid, head, head_hash FROM steward.run WHERE id > $1 ORDER BY id LIMIT $2",
            static r => (r.GetInt64(0), new RunHead(new RunId(r.GetGuid(1)), r.GetInt64(2), r.Bytes(3))),
            after, HeadsAtOnce);
        return ([.. rows.Select(r => r.Head)], rows.Count == HeadsAtOnce ? rows[^1].Id : null);
    }

    /// <summary>Checks some runs; returns the number of the last, or null when there are no
    /// more. One statement, so that a run's row and its entries are of one moment.</summary>
    private async Task<long?> CheckRunsAsync(long after, RunId? only)
    {
        await using NpgsqlCommand command = tx.Command(
            """
            SELECT r.id, r.uuid, r.head, r.head_hash, e.seq, e.type, e.time, coalesce(e.payload, b.content), e.payload_hash, e.hash
            FROM (SELECT * FROM steward.run WHERE id > $1 AND ($2::uuid IS NULL OR uuid = $2) ORDER BY id LIMIT $3) AS r
                LEFT JOIN steward.event e ON e.run = r.id LEFT JOIN steward.blob b ON e.payload IS NULL AND b.hash = e.payload_hash
            ORDER BY r.id, e.seq
            """,
            after, only?.Value, RunsAtOnce);
        await using NpgsqlDataReader rows = await command.ExecuteReaderAsync(tx.CancellationToken);
        long? last = null;
        while (await rows.ReadAsync(tx.CancellationToken))
        {
            last = rows.GetInt64(0);
            if (_run?.Id != last)
            {
                EndRun();
                _run = new Checked(last.Value, new RunId(rows.GetGuid(1)), rows.GetInt64(2), rows.Bytes(3));
            }

            if (!rows.IsDBNull(4))
                CheckEntry(_run, rows);
        }

        EndRun();
        return last;
    }

    private void CheckEntry(Checked run, NpgsqlDataReader row)
    {
        long sequence = row.GetInt64(4);
        if (sequence != run.Sequence + 1)
            _problems.Add(
                new StoreProblem(run.Run, run.Sequence + 1,
                    $"The journal of run {run.Run} has a gap: sequence {run.Sequence + 1} was due, {sequence} came."));
        if (row.IsDBNull(7))
        {
            _problems.Add(
                new StoreProblem(run.Run, sequence, $"The payload of sequence {sequence} of run {run.Run} is missing from the database."));
        }
        else
        {
            try
            {
                new JournalEntry(
                    run.Run,
                    sequence,
                    row.GetString(5),
                    row.Time(6),
                    row.Bytes(7),
                    row.Bytes(8),
                    row.Bytes(9)).Verify(run.Previous);
            }
            catch (Exception e) when (e is JournalException or ArgumentException)
            {
                _problems.Add(new StoreProblem(run.Run, sequence, e.Message));
            }
        }

        run.Sequence = sequence;
        run.Previous = row.Bytes(9);
    }

    private void EndRun()
    {
        if (_run is not { } run)
            return;
        _run = null;
        if (run.Sequence != run.Head)
            _problems.Add(
                new StoreProblem(run.Run, Math.Min(run.Sequence, run.Head) + 1,
                    $"The journal of run {run.Run} ends at {run.Sequence}, but its row says {run.Head}."));
        else if (!run.Previous.Span.SequenceEqual(run.HeadHash))
            _problems.Add(new StoreProblem(run.Run, run.Head, $"The last entry of run {run.Run} is not the one that its row names."));
    }

    private async Task CheckBlobsAsync()
    {
        foreach (string hash in await tx.AllAsync(
            "SELECT encode(hash, 'hex') FROM steward.blob WHERE sha256(content) <> hash", static r => r.GetString(0)))
            _problems.Add(new StoreProblem(null, null, $"The content of blob '{hash}' does not have that SHA-256."));
    }

    private async Task CheckStraysAsync()
    {
        long strays = await tx.FirstAsync(
            "SELECT count(*) FROM steward.event e WHERE NOT EXISTS (SELECT 1 FROM steward.run r WHERE r.id = e.run)",
            static r => r.GetInt64(0));
        if (strays > 0)
            _problems.Add(new StoreProblem(null, null, $"{strays} journal rows belong to no run."));
    }

    private sealed class Checked(long id, RunId run, long head, byte[] headHash)
    {
        public long Id => id;

        public RunId Run => run;

        public long Head => head;

        public byte[] HeadHash => headHash;

        public long Sequence { get; set; }

        public ReadOnlyMemory<byte> Previous { get; set; } = JournalEntry.Origin;
    }
}
