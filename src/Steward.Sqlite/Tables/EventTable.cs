using Steward.Journal;
using Steward.Sqlite.Data;
using Steward.Storage;

namespace Steward.Sqlite.Tables;

/// <summary>The journals' rows. A payload above the inline limit lives in the blob of its hash.</summary>
internal sealed class EventTable(Db db, BlobTable blobs, int inlinePayload)
{
    private readonly Statement _insert = db.Prepare(
        "INSERT INTO event (run, seq, type, time, in_blob, hash, payload_hash, payload) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)");

    public void Insert(long run, JournalEntry entry)
    {
        bool inBlob = entry.Payload.Length > inlinePayload;
        _insert.Bind(1, run).Bind(2, entry.Sequence).Bind(3, entry.Type).Bind(4, Instant.Of(entry.Time))
            .Bind(5, inBlob ? 1 : 0).Bind(6, entry.Hash.Span).Bind(7, entry.PayloadHash.Span);
        if (inBlob)
        {
            blobs.Put(entry.PayloadHash.Span, entry.Payload.Span);
            _insert.BindNull(8).Execute();
        }
        else
        {
            _insert.Bind(8, entry.Payload.Span).Execute();
        }
    }
}

/// <summary>Large content by its hash.</summary>
internal sealed class BlobTable(Db db)
{
    private readonly Statement _exists = db.Prepare("SELECT 1 FROM blob WHERE hash = ?1");
    private readonly Statement _insert = db.Prepare("INSERT INTO blob (hash, content) VALUES (?1, ?2)");

    private readonly Statement _name = db.Prepare("DELETE FROM blob_unnamed WHERE hash = ?1");

    public void Put(ReadOnlySpan<byte> hash, ReadOnlySpan<byte> content)
    {
        Name(hash);
        if (_exists.Bind(1, hash).First(static _ => true))
            return;
        _insert.Bind(1, hash).Bind(2, content).Execute();
    }

    /// <summary>Somebody is about to name a blob: no sweep may take it now.</summary>
    public void Name(ReadOnlySpan<byte> hash) => _name.Bind(1, hash).Execute();
}

/// <summary>Folds' states; at most one a run.</summary>
internal sealed class SnapshotTable(Db db)
{
    private readonly Statement _find = db.Prepare("SELECT seq, version, data FROM snapshot WHERE run = ?1");
    private readonly Statement _save = db.Prepare(
        "INSERT INTO snapshot (run, seq, version, data) VALUES (?1, ?2, ?3, ?4) ON CONFLICT (run) DO UPDATE SET seq = ?2, version = ?3, data = ?4");

    public Storage.RunSnapshot? Find(long run) =>
        _find.Bind(1, run).First(static s => new Storage.RunSnapshot(s.Int64(0), (int)s.Int64(1), s.Bytes(2)));

    public void Save(long run, Storage.RunSnapshot snapshot) =>
        _save.Bind(1, run).Bind(2, snapshot.Sequence).Bind(3, snapshot.Version).Bind(4, snapshot.Data.Span).Execute();
}
