using Microsoft.Extensions.Logging;
using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Sqlite.Tables;
using Steward.Storage;

namespace Steward.Sqlite;

/// <summary>Compares the witness with the database.</summary>
internal static class WitnessCheck
{
    private const int CompactAbove = 4 * 1024 * 1024;
    private static readonly TimeSpan s_keepEnded = TimeSpan.FromDays(7);

    /// <summary>Compares and tidies up. Call inside a write transaction: nobody commits and nobody else opens meanwhile.</summary>
    /// <returns>The runs that go less far in the database than was acknowledged, and whether the witness was rewritten without those that
    /// were deleted on purpose.</returns>
    public static (Dictionary<RunId, JournalException> Losses, bool Rewritten) Open(
        Db db,
        SqliteStoreOptions options,
        DateTimeOffset now,
        ILogger logger)
    {
        if (!File.Exists(Witness.PathOf(options.Path)))
            Log.NoWitness(logger, options.Path);
        List<WitnessRecord> records = Witness.Load(options.Path);
        Dictionary<RunId, JournalException> losses = Losses(db, records);
        if (options.AcceptLoss && losses.Count > 0)
        {
            Accept(db, options, records, losses.Count, logger);
            return ([], true);
        }

        foreach ((RunId run, JournalException loss) in losses)
            Log.RunRefused(logger, run, loss.Message);
        bool isLarge = (long)records.Count * WitnessRecord.Size < FileSize(options) - CompactAbove;
        bool rewritten = losses.Count == 0 && (isLarge || AnyPruned(db)) && Witness.TryRewrite(options.Path, Compact(db, records, now));
        return (losses, rewritten);
    }

    /// <summary>The runs whose entries in the database are fewer than, or different from, what was acknowledged.</summary>
    public static Dictionary<RunId, JournalException> Losses(Db db, IEnumerable<WitnessRecord> records)
    {
        Dictionary<RunId, JournalException> losses = [];
        foreach (WitnessRecord record in records)
        {
            if (LossOf(db, record) is { } loss)
                losses.Add(record.Run, loss);
        }

        return losses;
    }

    /// <summary>Forgets which runs were deleted on purpose. Only once the witness, on the disk, says nothing of them any more.</summary>
    public static void ForgetPruned(Db db) => db.Execute("DELETE FROM pruned");

    private static bool AnyPruned(Db db) => db.Number("SELECT EXISTS (SELECT 1 FROM pruned)") == 1;

    private static JournalException? LossOf(Db db, WitnessRecord record)
    {
        (long id, long head) = db.Prepare("SELECT id, head FROM run WHERE uuid = ?1").Bind(1, record.Run.Value)
            .First(static s => (s.Int64(0), s.Int64(1)));
        if (head == 0 && FamilyTable.WasPruned(db, record.Run))
            return null;
        if (head < record.Sequence)
            return JournalException.WentBackwards(record.Run, record.Sequence, head);
        UInt128? hash = db.Prepare("SELECT hash FROM event WHERE run = ?1 AND seq = ?2").Bind(1, id).Bind(2, record.Sequence)
            .First(static s => (UInt128?)WitnessRecord.HalfOf(s.Span(0)));
        if (hash == record.Hash)
            return null;
        return new JournalException(
            $"The journal of run {record.Run} went another way: the entry at sequence {record.Sequence} is not the one that was "
            + $"acknowledged; the database ends at {head}. An older copy was opened and written on, or the journal was edited. "
            + "Restore the newest database, or accept the loss with SqliteStoreOptions.AcceptLoss.")
        {
            Run = record.Run,
            Sequence = record.Sequence,
            IsLoss = true,
        };
    }

    private static void Accept(Db db, SqliteStoreOptions options, List<WitnessRecord> records, int losses, ILogger logger)
    {
        List<WitnessRecord> held = [];
        foreach (WitnessRecord record in records)
        {
            WitnessRecord? head = db.Prepare("SELECT head, head_hash FROM run WHERE uuid = ?1").Bind(1, record.Run.Value)
                .First(s => (WitnessRecord?)WitnessRecord.Of(record.Run, s.Int64(0), s.Span(1)));
            if (head is { } known)
                held.Add(known);
        }

        if (!Witness.TryRewrite(options.Path, held))
            throw new StoreException(
                StoreFailure.Busy,
                $"The loss in '{options.Path}' cannot be accepted while another process has the database open. Stop it, then try again.");
        Log.LossAccepted(logger, options.Path, losses);
    }

    private static List<WitnessRecord> Compact(Db db, List<WitnessRecord> records, DateTimeOffset now)
    {
        long keepFrom = Instant.Of(now - s_keepEnded);
        Statement kept = db.Prepare($"SELECT 1 FROM run WHERE uuid = ?1 AND NOT (status IN {StatusSql.Ended} AND updated_at < ?2)");
        return [.. records.Where(record => kept.Bind(1, record.Run.Value).Bind(2, keepFrom).First(static _ => true))];
    }

    private static long FileSize(SqliteStoreOptions options) =>
        new FileInfo(Witness.PathOf(options.Path)) is { Exists: true } file ? file.Length : 0;
}
