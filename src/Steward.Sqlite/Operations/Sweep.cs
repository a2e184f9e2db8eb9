using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Operations;

/// <summary>Blobs that nothing names any more: finding them in a reader's
/// snapshot, and deleting them in the writer's transaction.</summary>
internal static class Sweep
{
    /// <summary>Everything that is written by the runtime, and may name a blob. Definitions and payloads in blobs name others.</summary>
    private static readonly string[] s_texts =
    [
        "SELECT payload FROM event WHERE payload IS NOT NULL",
        "SELECT body FROM signal",
        "SELECT body FROM question",
        "SELECT data FROM snapshot",
        "SELECT content FROM blob",
    ];

    public static BlobPlan Look(Db db, long before, CancellationToken cancellationToken)
    {
        var unnamed = new UnnamedBlobs(
            db.Prepare("SELECT hash, length(content) FROM blob").All(static s =>
                KeyValuePair.Create(Convert.ToHexStringLower(s.Span(0)), s.Int64(1))));
        if (!unnamed.IsEmpty)
        {
            Each(db, "SELECT payload_hash FROM event WHERE in_blob = 1", unnamed.SeeHash, cancellationToken);
            foreach (string texts in s_texts)
                Each(db, texts, unnamed.See, cancellationToken);
        }

        return unnamed.Decide(db.Prepare("SELECT hash, since < ?1 FROM blob_unnamed").Bind(1, before)
            .All(static s => KeyValuePair.Create(Convert.ToHexStringLower(s.Span(0)), s.Int64(1) == 1)).ToDictionary());
    }

    /// <summary>Deletes blobs whose note still stands.</summary>
    public static List<string> Delete(WriteSession session, IEnumerable<string> due, long before)
    {
        List<string> gone = [];
        foreach (string name in due)
        {
            byte[] hash = Convert.FromHexString(name);
            if (session.Db.Prepare("DELETE FROM blob_unnamed WHERE hash = ?1 AND since < ?2").Bind(1, hash).Bind(2, before).Execute() == 0)
                continue;
            session.Db.Prepare("DELETE FROM blob WHERE hash = ?1").Bind(1, hash).Execute();
            gone.Add(name);
        }

        return gone;
    }

    public static bool Note(WriteSession session, IEnumerable<string> unnamed)
    {
        foreach (string name in unnamed)
            session.Db.Prepare("INSERT INTO blob_unnamed (hash, since) VALUES (?1, ?2) ON CONFLICT DO NOTHING")
                .Bind(1, Convert.FromHexString(name))
                .Bind(2, session.Now)
                .Execute();
        return true;
    }

    public static bool TakeBack(WriteSession session, IEnumerable<string> named)
    {
        foreach (string name in named)
            session.Blobs.Name(Convert.FromHexString(name));
        return true;
    }

    private static void Each(Db db, string query, Action<ReadOnlySpan<byte>> see, CancellationToken cancellationToken)
    {
        Statement rows = db.Prepare(query);
        try
        {
            while (rows.Next())
            {
                cancellationToken.ThrowIfCancellationRequested();
                see(rows.Span(0));
            }
        }
        finally
        {
            rows.Reset();
        }
    }
}
