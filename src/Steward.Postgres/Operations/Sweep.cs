using Steward.Postgres.Data;
using Steward.Storage;

namespace Steward.Postgres.Operations;

/// <summary>Blobs that nothing names any more: finding them, and deleting them.</summary>
/// <remarks>
/// It looks page by page, so that no snapshot is held for long. What comes in meanwhile is safe, because nothing is deleted without its
/// note. Keeping the same content again, or starting a run that names it, takes the note back.
/// </remarks>
internal static class Sweep
{
    private const int PageRows = 1_000;
    private const int PageBlobs = 16;

    /// <summary>Everything else that is written by the runtime and may name a blob, by the number of its row.</summary>
    private static readonly string[] s_texts =
    [
        "SELECT id, body FROM steward.signal WHERE id > $1 ORDER BY id LIMIT $2",
        "SELECT id, body FROM steward.question WHERE id > $1 ORDER BY id LIMIT $2",
        "SELECT run, data FROM steward.snapshot WHERE run > $1 ORDER BY run LIMIT $2",
    ];

    public static async Task<BlobPlan> LookAsync(Tx tx)
    {
        var unnamed = new UnnamedBlobs(
            await tx.AllAsync("SELECT encode(hash, 'hex'), octet_length(content)::bigint FROM steward.blob", static r =>
                KeyValuePair.Create(r.GetString(0), r.GetInt64(1))));
        if (!unnamed.IsEmpty)
        {
            await SeeEventsAsync(tx, unnamed);
            foreach (string texts in s_texts)
                await SeeTextsAsync(tx, unnamed, texts);
            await SeeBlobsAsync(tx, unnamed);
        }

        return unnamed.Decide((await tx.AllAsync(
            "SELECT encode(hash, 'hex'), since < (SELECT steward.now()) - $1::interval FROM steward.blob_unnamed", static r =>
                KeyValuePair.Create(r.GetString(0), r.GetBoolean(1)), BlobSweep.Grace)).ToDictionary());
    }

    /// <summary>Deletes blobs whose note still stands, or stood when its lock was obtained.</summary>
    public static Task<List<string>> DeleteAsync(Tx tx, string[] due) => tx.AllAsync(
        """
        WITH noted AS (DELETE FROM steward.blob_unnamed WHERE hash = ANY($1) AND since < (SELECT steward.now()) - $2::interval RETURNING hash)
        DELETE FROM steward.blob b USING noted n WHERE b.hash = n.hash RETURNING encode(b.hash, 'hex')
        """,
        static r => r.GetString(0),
        Hashes(due), BlobSweep.Grace);

    public static Task<int> NoteAsync(Tx tx, string[] unnamed) =>
        tx.ExecuteAsync(
            "INSERT INTO steward.blob_unnamed (hash, since) SELECT h, (SELECT steward.now()) FROM unnest($1::bytea[]) AS h ON CONFLICT DO NOTHING",
            (object)Hashes(unnamed));

    public static Task<int> TakeBackAsync(Tx tx, string[] named) =>
        tx.ExecuteAsync("DELETE FROM steward.blob_unnamed WHERE hash = ANY($1)", (object)Hashes(named));

    private static async Task SeeEventsAsync(Tx tx, UnnamedBlobs unnamed)
    {
        List<(long Run, long Sequence)> page = [(0, 0)];
        do
        {
            page = await tx.AllAsync(
                "SELECT run, seq, payload, payload_hash FROM steward.event WHERE (run, seq) > ($1, $2) ORDER BY run, seq LIMIT $3",
                r =>
                {
                    if (r.IsDBNull(2))
                        unnamed.SeeHash(r.Bytes(3));
                    else
                        unnamed.See(r.Bytes(2));
                    return (r.GetInt64(0), r.GetInt64(1));
                },
                page[^1].Run, page[^1].Sequence, PageRows);
        }
        while (page.Count == PageRows);
    }

    private static async Task SeeTextsAsync(Tx tx, UnnamedBlobs unnamed, string query)
    {
        List<long> page = [0];
        do
        {
            page = await tx.AllAsync(
                query,
                r =>
                {
                    unnamed.See(r.Bytes(1));
                    return r.GetInt64(0);
                },
                page[^1], PageRows);
        }
        while (page.Count == PageRows);
    }

    private static async Task SeeBlobsAsync(Tx tx, UnnamedBlobs unnamed)
    {
        List<byte[]> page = [[]];
        do
        {
            page = await tx.AllAsync(
                "SELECT hash, content FROM steward.blob WHERE hash > $1 ORDER BY hash LIMIT $2",
                r =>
                {
                    unnamed.See(r.Bytes(1));
                    return r.Bytes(0);
                },
                page[^1], PageBlobs);
        }
        while (page.Count == PageBlobs);
    }

    private static byte[][] Hashes(string[] names) => [.. names.Select(Convert.FromHexString)];
}
